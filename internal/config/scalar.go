package config

import (
	"encoding"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"

	"wxgate/secret"
)

// isScalar reports whether a type of the configuration is written as one word.
func isScalar(t reflect.Type) bool {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return true
	}
	return t.Kind() == reflect.String || t.Kind() == reflect.Int || t.Kind() == reflect.Bool
}

// isSecret reports whether a type must not show in any error.
func isSecret(t reflect.Type) bool {
	return t == reflect.TypeFor[secret.Text]() || t == reflect.TypeFor[Key]()
}

// scalar reads one word. Text that came from outside may be a number or a truth
// value too; text that is in the file may not.
func (d *decoder) scalar(n value, v reflect.Value, key string) {
	if n.kind() == mappingKind || n.kind() == listKind {
		d.errorAt(n.line, key, "must be %s, not %s", typeName(v.Type()), n.kind())
		return
	}
	expanded := expansion{text: n.text()}
	if n.kind() == textKind {
		var err error
		if expanded, err = d.expand(n.text()); err != nil {
			d.errorAt(n.line, key, "%s", err)
			return
		}
		d.included(n, v, key, expanded.files)
	}
	if isSecret(v.Type()) && !expanded.changed && expanded.text != "" {
		d.literals = append(d.literals, key)
	}
	if wrongKind(n.kind(), v, expanded.changed) {
		d.errorAt(n.line, key, "must be %s, not %s%s", typeName(v.Type()), n.kind(), typeHint(n, v))
		return
	}
	if err := d.set(v, expanded.text); err != nil {
		d.errorAt(n.line, key, "%s", err)
	}
}

// included notes the files of a value and warns of a secret that anybody on the
// machine can read.
func (d *decoder) included(n value, v reflect.Value, key string, files []string) {
	d.files = append(d.files, files...)
	if !isSecret(v.Type()) {
		return
	}
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o004 != 0 {
			d.warnAt(n.line, key, "the file %s can be read by every user of this machine: chmod o-r", file)
		}
	}
}

// wrongKind is the strictness of the file: 8080 is no text, "5" is no number.
func wrongKind(kind kind, v reflect.Value, outside bool) bool {
	if outside || v.CanAddr() && implementsText(v) {
		return false
	}
	switch v.Kind() {
	case reflect.Int:
		return kind != integerKind
	case reflect.Bool:
		return kind != boolKind
	}
	return kind != textKind
}

func implementsText(v reflect.Value) bool {
	_, ok := v.Addr().Interface().(encoding.TextUnmarshaler)
	return ok
}

func typeName(t reflect.Type) string {
	switch {
	case t.Kind() == reflect.Int:
		return "a whole number"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t == reflect.TypeFor[Duration]():
		return "a duration"
	case t == reflect.TypeFor[Size]():
		return "a size"
	case t == reflect.TypeFor[Rate]():
		return "a rate"
	}
	return "text"
}

// set gives v the value that text stands for.
func (d *decoder) set(v reflect.Value, text string) error {
	switch p := v.Addr().Interface().(type) {
	case encoding.TextUnmarshaler:
		return p.UnmarshalText([]byte(text))
	case *Path:
		*p = Path(d.path(text))
		return nil
	}
	switch v.Kind() {
	case reflect.Int:
		return setInt(v, text)
	case reflect.Bool:
		return setBool(v, text)
	}
	v.SetString(text)
	return nil
}

// path makes a path of the file one of the process.
func (d *decoder) path(text string) string {
	if text == "" || filepath.IsAbs(text) {
		return text
	}
	return filepath.Join(d.dir, text)
}

func setInt(v reflect.Value, text string) error {
	number, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return fmt.Errorf("%s is not a whole number", Quote(text))
	}
	v.SetInt(number)
	return nil
}

func setBool(v reflect.Value, text string) error {
	if text != "true" && text != "false" {
		meant := ""
		if truth(text) != "" {
			meant = ": write " + truth(text)
		}
		return fmt.Errorf("%s is not true or false%s", Quote(text), meant)
	}
	v.SetBool(text == "true")
	return nil
}
