package config

import (
	"reflect"
	"strings"
)

// decoder decodes the file's tree into a Config. It records every problem with
// its key and line, instead of stopping at the first.
type decoder struct {
	problemList
	expander
	lines map[string]int // the line of each key that the file has
	files []string       // that ${file:…} has read

	literalSecrets []string // keys of the secrets that are written in the file itself
}

// defaultSetter is a type of list entry that has defaults.
type defaultSetter interface{ setDefaults() }

// decode decodes n into v, which holds its default.
func (d *decoder) decode(n node, v reflect.Value, key string) {
	if n.kind() == nullKind {
		d.errorAt(n.line, key, "has no value: add one%s or remove the key", nestedKeysHint(v))
		return
	}
	switch {
	case isScalar(v.Type()):
		d.decodeScalar(n, v, key)
	case v.Kind() == reflect.Struct:
		d.decodeStruct(n, v, key)
	case v.Kind() == reflect.Slice:
		d.decodeList(n, v, key)
	case v.Kind() == reflect.Map:
		d.decodeMap(n, v, key)
	}
}

func (d *decoder) decodeStruct(n node, v reflect.Value, key string) {
	if shorthand, ok := shorthandField(v.Type()); ok && n.isScalar() {
		d.decodeField(n, v, shorthand, key)
		return
	}
	entries, ok := n.entries()
	if !ok {
		d.errorAt(n.line, key, "must be a mapping, not %s%s", n.kind(), d.mappingHint(n))
		return
	}
	lines := map[string]int{}
	for _, e := range entries {
		entryKey := joinKey(key, e.key)
		field, known := fieldByKey(v.Type(), e.key)
		if line, duplicate := lines[e.key]; duplicate {
			d.errorAt(e.line, entryKey, duplicateKey, line)
			continue
		}
		lines[e.key] = e.line
		if !known {
			d.reportUnknownKey(e, v.Type(), entryKey)
			continue
		}
		d.lines[entryKey] = e.line
		d.decodeField(e.node, v, field, entryKey)
	}
	d.reportMissingKeys(n, v.Type(), key, lines)
}

const duplicateKey = "is a duplicate key, first on line %d"

func (d *decoder) reportUnknownKey(e entry, t reflect.Type, key string) {
	hint := ""
	if !d.atLimit() {
		hint = unknownKeyHint(t, e.key)
	}
	d.errorAt(e.line, key, "unknown key%s", hint)
}

// decodeField decodes one field of a struct and checks it against its tags.
func (d *decoder) decodeField(n node, v reflect.Value, field reflect.StructField, key string) {
	if words := field.Tag.Get("oneof"); words != "" && n.isScalar() && n.kind() != textKind {
		d.errorAt(n.line, key, "%s is not one of %s", Quote(n.text()), strings.Join(strings.Fields(words), ", "))
		return
	}
	d.decode(n, v.FieldByIndex(field.Index), key)
	if what := outOfBounds(v.FieldByIndex(field.Index), field.Tag); what != "" {
		d.errorAt(n.line, key, "%s", what)
	}
}

func (d *decoder) reportMissingKeys(n node, t reflect.Type, key string, present map[string]int) {
	for _, field := range reflect.VisibleFields(t) {
		name := keyName(field)
		if _, ok := present[name]; !ok && field.Tag.Get("required") != "" {
			d.errorAt(n.line, joinKey(key, name), "is required")
		}
	}
}

func (d *decoder) decodeList(n node, v reflect.Value, key string) {
	items, ok := n.items()
	if !ok {
		d.errorAt(n.line, key, "must be a list, not %s: %s", n.kind(), listHint(n, v.Type().Elem()))
		return
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		entryKey := at(key, i)
		d.lines[entryKey] = item.line
		element := list.Index(i)
		if e, ok := element.Addr().Interface().(defaultSetter); ok {
			e.setDefaults()
		}
		d.decode(item, element, entryKey)
	}
	v.Set(list)
}

func (d *decoder) decodeMap(n node, v reflect.Value, key string) {
	entries, ok := n.entries()
	if !ok {
		d.errorAt(n.line, key, "must be a mapping, not %s", n.kind())
		return
	}
	m := reflect.MakeMap(v.Type())
	for _, e := range entries {
		entryKey := joinKey(key, e.key)
		if line, duplicate := d.lines[entryKey]; duplicate {
			d.errorAt(e.line, entryKey, duplicateKey, line)
			continue
		}
		d.lines[entryKey] = e.line
		element := reflect.New(v.Type().Elem()).Elem()
		d.decode(e.node, element, entryKey)
		m.SetMapIndex(reflect.ValueOf(e.key), element)
	}
	v.Set(m)
}
