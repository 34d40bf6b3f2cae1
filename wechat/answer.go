package wechat

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// errcodeFields are what every answer of WeChat may carry. Success often has no errcode,
// and errors come with HTTP 200, some as text/plain: only the content tells.
type errcodeFields struct {
	Errcode number `json:"errcode"`
	Errmsg  string `json:"errmsg"`
}

// number is an integer that WeChat writes as 86 or as "86"; null is 0.
type number int64

func (n *number) UnmarshalJSON(b []byte) error {
	text := string(b)
	if text == "null" {
		return nil
	}
	if len(text) >= 2 && text[0] == '"' {
		text = text[1 : len(text)-1]
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return errors.New("not an integer")
	}
	*n = number(v)
	return nil
}

// text is a string that WeChat writes as "86" or as 86; null is empty.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var n json.Number // takes both
	if err := json.Unmarshal(b, &n); err == nil {
		*t = text(n)
		return nil
	}
	return json.Unmarshal(b, (*string)(t))
}

// decode reads an answer into out, or gives the error that it is.
func decode(k call, body []byte, out any) error {
	var v errcodeFields
	if err := json.Unmarshal(body, &v); err != nil {
		return malformedAnswer(k)
	}
	if v.Errcode != 0 {
		return refusal(k.api, int(v.Errcode), printable(v.Errmsg, k.secrets...))
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return malformedAnswer(k)
	}
	return nil
}

// malformedAnswer is the error for an answer that WeChat would not give: a proxy's page,
// a field of a wrong type, a field that must be there and isn't.
func malformedAnswer(k call) error {
	return unavailable(k.api, "malformed answer", retryAfterDefault)
}

// validText bounds what is taken from an answer: not empty, not longer than max
// bytes, UTF-8 without control characters.
func validText(text string, max int) bool {
	return text != "" && len(text) <= max && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}
