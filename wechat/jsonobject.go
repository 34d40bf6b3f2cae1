package wechat

import (
	"bytes"
	"encoding/json"
	"io"
	"unicode/utf8"
)

// readObject calls add with each field of a JSON object, in order, until add returns
// false. It reports whether text is an object with nothing after it, and add accepted
// every field. Unlike json.Unmarshal, it passes
// duplicates, and names in their original case, to add.
func readObject(text []byte, add func(name string, value json.RawMessage) bool) bool {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return false
	}
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil || !add(name.(string), value) {
			return false
		}
	}
	if _, err := d.Token(); err != nil {
		return false
	}
	_, err := d.Token()
	return err == io.EOF
}

// strictObject parses a JSON object that has exactly these fields, each once. ok is false
// for anything else, and for text that is not UTF-8.
func strictObject(text []byte, names ...string) (fields map[string]json.RawMessage, ok bool) {
	if !utf8.Valid(text) {
		return nil, false
	}
	fields = make(map[string]json.RawMessage, len(names))
	ok = readObject(text, func(name string, value json.RawMessage) bool {
		_, duplicate := fields[name]
		fields[name] = value
		return !duplicate
	})
	return fields, ok && hasExactly(fields, names)
}

func hasExactly(fields map[string]json.RawMessage, names []string) bool {
	for _, name := range names {
		if fields[name] == nil {
			return false
		}
	}
	return len(fields) == len(names)
}
