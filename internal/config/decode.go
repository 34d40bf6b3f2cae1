package config

import (
	"fmt"
	"reflect"
	"strings"
)

// decoder fills the Config from the file's tree and notes every problem with its
// key and line, instead of stopping at the first.
type decoder struct {
	problemList
	expander
	lines map[string]int // of each key that the file has
	files []string

	literals []string // keys of the secrets that stand in the file itself
}

// defaulted is what a list's entry may be: complete before it is read.
type defaulted interface{ setDefaults() }

// decode reads n into v, which has its default.
func (d *decoder) decode(n value, v reflect.Value, key string) {
	if n.kind() == nullKind {
		d.errorAt(n.line, key, "has no value: give it one%s or leave the key out", belowHint(v))
		return
	}
	switch {
	case isScalar(v.Type()):
		d.scalar(n, v, key)
	case v.Kind() == reflect.Struct:
		d.structure(n, v, key)
	case v.Kind() == reflect.Slice:
		d.list(n, v, key)
	case v.Kind() == reflect.Map:
		d.dictionary(n, v, key)
	}
}

func (d *decoder) structure(n value, v reflect.Value, key string) {
	if shorthand, ok := shorthandField(v.Type()); ok && n.isScalar() {
		d.field(n, v, shorthand, key)
		return
	}
	entries, ok := n.entries()
	if !ok {
		d.errorAt(n.line, key, "must be a mapping, not %s%s", n.kind(), d.mappingHint(n))
		return
	}
	first := map[string]int{}
	for _, e := range entries {
		at := joinKey(key, e.key)
		field, known := fieldByKey(v.Type(), e.key)
		if line, twice := first[e.key]; twice {
			d.errorAt(e.line, at, "is there twice, first on line %d", line)
			continue
		}
		first[e.key] = e.line
		if !known {
			d.unknown(e, v.Type(), at)
			continue
		}
		d.lines[at] = e.line
		d.field(e.value, v, field, at)
	}
	d.missing(n, v.Type(), key, first)
}

func (d *decoder) unknown(e entry, t reflect.Type, key string) {
	meant := ""
	if !d.atLimit() {
		meant = hint(t, e.key)
	}
	d.errorAt(e.line, key, "unknown key%s", meant)
}

// field reads one field of a structure and holds it against its tags.
func (d *decoder) field(n value, v reflect.Value, field reflect.StructField, key string) {
	if words := field.Tag.Get("oneof"); words != "" && n.isScalar() && n.kind() != textKind {
		d.errorAt(n.line, key, "%s is not one of %s", Quote(n.text()), strings.Join(strings.Fields(words), ", "))
		return
	}
	d.decode(n, v.FieldByIndex(field.Index), key)
	if what := outOfBounds(v.FieldByIndex(field.Index), field.Tag); what != "" {
		d.errorAt(n.line, key, "%s", what)
	}
}

func (d *decoder) missing(n value, t reflect.Type, key string, there map[string]int) {
	for _, field := range reflect.VisibleFields(t) {
		name := keyName(field)
		if _, ok := there[name]; !ok && field.Tag.Get("required") != "" {
			d.errorAt(n.line, joinKey(key, name), "is required")
		}
	}
}

func (d *decoder) list(n value, v reflect.Value, key string) {
	items, ok := n.items()
	if !ok {
		d.errorAt(n.line, key, "must be a list, not %s: %s", n.kind(), listHint(n, v.Type().Elem()))
		return
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		at := fmt.Sprintf("%s[%d]", key, i)
		d.lines[at] = item.line
		element := list.Index(i)
		if e, ok := element.Addr().Interface().(defaulted); ok {
			e.setDefaults()
		}
		d.decode(item, element, at)
	}
	v.Set(list)
}

func (d *decoder) dictionary(n value, v reflect.Value, key string) {
	entries, ok := n.entries()
	if !ok {
		d.errorAt(n.line, key, "must be a mapping, not %s", n.kind())
		return
	}
	dictionary := reflect.MakeMap(v.Type())
	for _, e := range entries {
		at := joinKey(key, e.key)
		if line, twice := d.lines[at]; twice {
			d.errorAt(e.line, at, "is there twice, first on line %d", line)
			continue
		}
		d.lines[at] = e.line
		element := reflect.New(v.Type().Elem()).Elem()
		d.decode(e.value, element, at)
		dictionary.SetMapIndex(reflect.ValueOf(e.key), element)
	}
	v.Set(dictionary)
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

// keyName gives the key of a field, "" or "-" where it has none.
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
