package config

import (
	"encoding"
	"fmt"
	"path/filepath"
	"reflect"
	"strconv"

	"wxgate/secret"
)

// isScalar reports whether a type of the configuration is written as a scalar.
func isScalar(t reflect.Type) bool {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return true
	}
	return t.Kind() == reflect.String || t.Kind() == reflect.Int || t.Kind() == reflect.Bool
}

// isSecret reports whether the values of a type must not appear in errors.
func isSecret(t reflect.Type) bool {
	return t == reflect.TypeFor[secret.Text]() || t == reflect.TypeFor[Key]()
}

// decodeScalar decodes a scalar. Text from a variable or file may be a number or
// a boolean; text that is written in the config file may not.
func (d *decoder) decodeScalar(n node, v reflect.Value, key string) {
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
		d.files = append(d.files, expanded.files...)
	}
	if isSecret(v.Type()) {
		d.warnSecretFiles(n.line, key, expanded.files)
		if !expanded.external && expanded.text != "" {
			d.literalSecrets = append(d.literalSecrets, key)
		}
	}
	if !expanded.external && wrongKind(n.kind(), v) {
		d.errorAt(n.line, key, "must be %s, not %s%s", typeName(v.Type()), n.kind(), typeHint(n, v))
		return
	}
	if err := d.setScalar(v, expanded.text); err != nil {
		d.errorAt(n.line, key, "%s", err)
	}
}

// wrongKind reports whether a YAML scalar has another type than v: 8080 is not
// text, "5" is not a number.
func wrongKind(kind kind, v reflect.Value) bool {
	if v.CanAddr() && implementsTextUnmarshaler(v) {
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

func implementsTextUnmarshaler(v reflect.Value) bool {
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

// setScalar parses text as the type of v and assigns it.
func (d *decoder) setScalar(v reflect.Value, text string) error {
	switch p := v.Addr().Interface().(type) {
	case encoding.TextUnmarshaler:
		return p.UnmarshalText([]byte(text))
	case *Path:
		*p = Path(d.resolvePath(text))
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

// resolvePath joins a relative path with the config file's directory.
func (d *decoder) resolvePath(text string) string {
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
		hint := ""
		if intendedBool(text) != "" {
			hint = ": write " + intendedBool(text)
		}
		return fmt.Errorf("%s is not true or false%s", Quote(text), hint)
	}
	v.SetBool(text == "true")
	return nil
}
