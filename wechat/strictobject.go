package wechat

import (
	"bytes"
	"encoding/json"
	"io"
	"unicode/utf8"
)

// strictObject parses a JSON object that has exactly these fields, each once, in UTF-8,
// with nothing after it. ok is false for anything else.
func strictObject(text []byte, names ...string) (fields map[string]json.RawMessage, ok bool) {
	if !utf8.Valid(text) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	fields = make(map[string]json.RawMessage, len(names))
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			return nil, false
		}
		if _, duplicate := fields[name.(string)]; duplicate {
			return nil, false
		}
		fields[name.(string)] = value
	}
	if t, err := d.Token(); err != nil || t != json.Delim('}') {
		return nil, false
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, false
	}
	return fields, hasExactly(fields, names)
}

func hasExactly(fields map[string]json.RawMessage, names []string) bool {
	for _, name := range names {
		if fields[name] == nil {
			return false
		}
	}
	return len(fields) == len(names)
}
