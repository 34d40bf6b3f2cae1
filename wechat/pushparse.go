package wechat

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"strings"
)

// Limits of a message's structure.
const (
	maxPushFields = 256 // direct children
	maxPushDepth  = 32
	maxPushName   = 64 // bytes
)

// pushField is a direct child of a message.
type pushField struct {
	value  string
	scalar bool // a string or a number
}

// text returns the field's value; ok is false for a structure and for a missing field.
func (f pushField) text() (string, bool) { return f.value, f.scalar }

// pushFieldSet has the fields by lower-case name. Two names that differ only in case are a
// duplicate: the backend's parser may choose the other one than the gateway.
type pushFieldSet map[string]pushField

func (s pushFieldSet) add(name string, f pushField) bool {
	if name == "" || len(name) > maxPushName || !isFieldName(name) || len(s) >= maxPushFields {
		return false
	}
	name = strings.ToLower(name)
	if _, duplicate := s[name]; duplicate {
		return false
	}
	s[name] = f
	return true
}

// isFieldName accepts ASCII only: parsers fold the case of other letters differently.
func isFieldName(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool {
		return r > '~' || !isAlphanumeric(string(r)) && r != '_' && r != '-' && r != '.'
	})
}

// jsonPushFields parses the fields of a JSON object with nothing after it. Numbers keep
// all their digits: a MsgId has more than a float64 can represent.
func jsonPushFields(body []byte) (map[string]pushField, bool) {
	if jsonDepth(body) > maxPushDepth {
		return nil, false
	}
	fields := pushFieldSet{}
	ok := readObject(body, func(name string, value json.RawMessage) bool {
		return fields.add(name, jsonPushField(value))
	})
	return fields, ok
}

func jsonPushField(value json.RawMessage) pushField {
	switch value[0] {
	case '"':
		var text string
		err := json.Unmarshal(value, &text)
		return pushField{text, err == nil}
	case '{', '[', 'n', 't', 'f':
		return pushField{}
	}
	return pushField{string(value), true}
}

// jsonDepth is the nesting depth of objects and arrays. It counts brackets outside of
// strings.
func jsonDepth(body []byte) int {
	depth, maxDepth := 0, 0
	inString, escaped := false, false
	for _, c := range body {
		switch {
		case escaped:
			escaped = false
		case inString:
			escaped, inString = c == '\\', c != '"'
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			depth++
			maxDepth = max(maxDepth, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return maxDepth
}

// xmlPushFields parses the direct children of an XML message's root. It refuses what WeChat
// never writes and parsers treat differently: a DOCTYPE and so entities, comments,
// processing instructions, attributes and namespaces.
func xmlPushFields(body []byte) (map[string]pushField, bool) {
	d := xml.NewDecoder(bytes.NewReader(body))
	root, err := d.RawToken()
	if start, ok := root.(xml.StartElement); err != nil || !ok || start.Name.Space != "" || start.Name.Local != "xml" || len(start.Attr) != 0 {
		return nil, false
	}
	fields := pushFieldSet{}
	for {
		t, err := d.RawToken()
		if err != nil {
			return nil, false
		}
		switch t := t.(type) {
		case xml.StartElement:
			f, ok := xmlPushField(d, t)
			if !ok || !fields.add(t.Name.Local, f) {
				return nil, false
			}
		case xml.CharData:
			if len(bytes.TrimSpace(t)) != 0 {
				return nil, false
			}
		case xml.EndElement:
			return fields, t.Name == xml.Name{Local: "xml"} && onlySpaceLeft(d)
		default:
			return nil, false
		}
	}
}

// xmlPushField parses one element to its end tag.
func xmlPushField(d *xml.Decoder, start xml.StartElement) (pushField, bool) {
	open := []string{start.Name.Local}
	if start.Name.Space != "" || len(start.Attr) != 0 {
		return pushField{}, false
	}
	text, scalar := strings.Builder{}, true
	for len(open) > 0 {
		t, err := d.RawToken()
		if err != nil {
			return pushField{}, false
		}
		switch t := t.(type) {
		case xml.StartElement:
			open, scalar = append(open, t.Name.Local), false
			if t.Name.Space != "" || len(t.Attr) != 0 || len(open) >= maxPushDepth {
				return pushField{}, false
			}
		case xml.EndElement:
			if t.Name != (xml.Name{Local: open[len(open)-1]}) {
				return pushField{}, false
			}
			open = open[:len(open)-1]
		case xml.CharData:
			text.Write(t)
		default:
			return pushField{}, false
		}
	}
	if !scalar {
		return pushField{}, true
	}
	return pushField{text.String(), true}, true
}

// onlySpaceLeft reports whether nothing but white space follows.
func onlySpaceLeft(d *xml.Decoder) bool {
	for {
		t, err := d.RawToken()
		if err == io.EOF {
			return true
		}
		if text, ok := t.(xml.CharData); err != nil || !ok || len(bytes.TrimSpace(text)) != 0 {
			return false
		}
	}
}
