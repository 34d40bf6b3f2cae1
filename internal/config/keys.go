package config

import (
	"reflect"
	"strings"
)

func keysOf(t reflect.Type) []string {
	var keys []string
	for _, field := range reflect.VisibleFields(t) {
		if name := keyName(field); name != "" && name != "-" {
			keys = append(keys, name)
		}
	}
	return keys
}

// allKeys lists every key of the schema below t, such as routes[].auth.
func allKeys(t reflect.Type, parent string) []string {
	switch {
	case isScalar(t):
		return nil
	case t.Kind() == reflect.Slice:
		return allKeys(t.Elem(), parent+"[]")
	case t.Kind() != reflect.Struct:
		return nil
	}
	var keys []string
	for _, name := range keysOf(t) {
		field, _ := fieldByKey(t, name)
		key := joinKey(parent, name)
		keys = append(append(keys, key), allKeys(field.Type, key)...)
	}
	return keys
}

func joinKey(parent, name string) string {
	if !isPlainKey(name) {
		name = Quote(name)
	}
	if parent == "" {
		return name
	}
	return parent + "." + name
}

func isPlainKey(name string) bool {
	for _, r := range name {
		if r <= ' ' || r > '~' {
			return false
		}
	}
	return name != "" && len(name) <= 80
}

// keyName returns the key of a field, "" or "-" if it has none.
func keyName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
	return name
}

func shorthandField(t reflect.Type) (reflect.StructField, bool) {
	for _, field := range reflect.VisibleFields(t) {
		if field.Tag.Get("shorthand") != "" {
			return field, true
		}
	}
	return reflect.StructField{}, false
}

func fieldByKey(t reflect.Type, key string) (reflect.StructField, bool) {
	for _, field := range reflect.VisibleFields(t) {
		if name := keyName(field); name == key && name != "" && name != "-" {
			return field, true
		}
	}
	return reflect.StructField{}, false
}
