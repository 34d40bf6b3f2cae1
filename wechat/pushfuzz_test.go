package wechat

import (
	"encoding/json"
	"encoding/xml"
	"net/url"
	"strings"
	"testing"
	"time"
)

// encoding/json parses what jsonPushFields accepts to the same fields.
func FuzzPushJSON(f *testing.F) {
	for _, s := range []string{
		`{"MsgId":9223372036854775807123,"CreateTime":"1","x":{"a":[1,{}]}}`, `{"a":1,"A":2}`, `{"a":"\u0041\n"}`, `{}`, `{}{}`, `[]`, `{"a":nul}`, `{"\u0061":1,"a":1}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		fields, ok := jsonPushFields(body)
		if !ok {
			return
		}
		var decoded map[string]json.RawMessage
		if err := json.Unmarshal(body, &decoded); err != nil || len(decoded) != len(fields) {
			t.Fatalf("%d fields of %q, %v", len(fields), body, err)
		}
		for name, raw := range decoded {
			field, known := fields[strings.ToLower(name)]
			var text string
			if json.Unmarshal(raw, &text) == nil && string(raw) != "null" && (!known || !field.scalar || field.value != text) {
				t.Errorf("%s is %q, not %+v", name, text, field)
			}
		}
	})
}

// encoding/xml parses what xmlPushFields accepts to the same fields.
func FuzzPushXML(f *testing.F) {
	for _, s := range []string{
		`<xml><MsgId>1</MsgId><a><b/></a></xml>`, `<xml><a><![CDATA[x]]]]><![CDATA[>]]></a></xml>`, `<xml></xml>`, `<xml/>`, `<!DOCTYPE a><xml></xml>`,
		`<xml><a>1</a><A>2</A></xml>`, `<xml><a>&lt;&#65;</a></xml>`, `<xml><a></b></xml>`, `<xml>`, `<xml><a:b/></xml>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		fields, ok := xmlPushFields(body)
		if !ok {
			return
		}
		var decoded struct {
			XMLName  xml.Name
			Children []struct {
				XMLName xml.Name
				Text    string `xml:",chardata"`
				Nested  []struct {
					XMLName xml.Name
				} `xml:",any"`
			} `xml:",any"`
		}
		if err := xml.Unmarshal(body, &decoded); err != nil || len(decoded.Children) != len(fields) || decoded.XMLName.Local != "xml" {
			t.Fatalf("%d fields of %q, %v", len(fields), body, err)
		}
		for _, c := range decoded.Children {
			field := fields[strings.ToLower(c.XMLName.Local)]
			if field.scalar != (len(c.Nested) == 0) || field.scalar && field.value != c.Text {
				t.Errorf("%s is %q, not %+v", c.XMLName.Local, c.Text, field)
			}
		}
	})
}

// Open accepts only the signed message, and never panics.
func FuzzPushOpen(f *testing.F) {
	p, err := NewPush(PushConfig{AppID: "wx1", Token: "token", AESKey: "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"})
	if err != nil {
		f.Fatal(err)
	}
	now := time.Unix(1_772_366_400, 0)
	message := p.aes.encryptWith([]byte("0123456789abcdef"), []byte(`{"CreateTime":1772366400,"FromUserName":"o1"}`))
	query := url.Values{"timestamp": {"1772366400"}, "nonce": {"1"}, "signature": {p.signature("1772366400", "1")}, "msg_signature": {p.signature("1772366400", "1", message)}}.Encode()
	f.Add(query, []byte(`{"Encrypt":"`+message+`"}`))
	f.Add("timestamp=1772366400&nonce=1&signature=x", []byte("<xml></xml>"))
	f.Add("", []byte{})
	f.Fuzz(func(t *testing.T, rawQuery string, body []byte) {
		m, err := p.Open(rawQuery, body, now)
		if err != nil {
			return
		}
		q, _ := url.ParseQuery(rawQuery)
		if q.Get("msg_signature") != p.signature("1772366400", q.Get("nonce"), message) || m.OpenID != "o1" {
			t.Errorf("%q opened %q: %+v", rawQuery, body, m)
		}
	})
}

// decrypt never panics, and returns the message that encrypt was given.
func FuzzPushDecrypt(f *testing.F) {
	c, err := newPushCipher("wx1", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.encrypt([]byte("message")), []byte("message"))
	f.Add("AAAA", []byte{})
	f.Fuzz(func(t *testing.T, encrypted string, message []byte) {
		c.decrypt(encrypted)
		if got, ok := c.decrypt(c.encrypt(message)); !ok || string(got) != string(message) {
			t.Errorf("%q was decrypted to %q, %v", message, got, ok)
		}
	})
}
