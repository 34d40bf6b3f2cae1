package wechat

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"strings"
)

// Bounds of a message's structure.
const (
	maxPushFields = 256 // direct children
	maxPushDepth  = 32
	maxPushName   = 64 // bytes
)

// pushField is a direct child of a message.
type pushField struct {
	value  string
	scalar bool // a text or a number, not a structure
}

// text gives the field's text; false for a structure or a field that isn't there.
func (f pushField) text() (string, bool) { return f.value, f.scalar }

// pushSet collects fields by their lower-case names. Two that differ in case alone
// are a duplicate: a backend's parser may take the other one.
type pushSet map[string]pushField

func (s pushSet) add(name string, f pushField) bool {
	if name == "" || len(name) > maxPushName || !isFieldName(name) || len(s) >= maxPushFields {
		return false
	}
	name = strings.ToLower(name)
	if _, twice := s[name]; twice {
		return false
	}
	s[name] = f
	return true
}

// isFieldName takes ASCII alone: the folding of other letters differs between parsers.
func isFieldName(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool {
		return r > '~' || !isAlphanumeric(string(r)) && r != '_' && r != '-' && r != '.'
	})
}

// jsonPushFields reads the fields of a JSON object with nothing behind it. Numbers
// keep their digits: a MsgId has more than a float64 holds.
func jsonPushFields(body []byte) (map[string]pushField, bool) {
	if jsonDepth(body) > maxPushDepth {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	fields := pushSet{}
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			return nil, false
		}
		if !fields.add(name.(string), jsonPushField(value)) {
			return nil, false
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, false
	}
	_, err := d.Token()
	return fields, err == io.EOF
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

// jsonDepth is how deep structures are nested. It counts brackets outside of texts.
func jsonDepth(body []byte) int {
	depth, most := 0, 0
	inText, escaped := false, false
	for _, c := range body {
		switch {
		case escaped:
			escaped = false
		case inText:
			escaped, inText = c == '\\', c != '"'
		case c == '"':
			inText = true
		case c == '{' || c == '[':
			depth++
			most = max(most, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return most
}

// xmlPushFields reads the direct children of an XML message's root. What WeChat never
// writes is refused, since parsers differ over it: a DOCTYPE and with it entities,
// comments, processing instructions, attributes and namespaces.
func xmlPushFields(body []byte) (map[string]pushField, bool) {
	d := xml.NewDecoder(bytes.NewReader(body))
	root, err := d.RawToken()
	if start, ok := root.(xml.StartElement); err != nil || !ok || start.Name.Space != "" || start.Name.Local != "xml" || len(start.Attr) != 0 {
		return nil, false
	}
	fields := pushSet{}
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

// xmlPushField reads one element to its end.
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
