package wechat

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// errcodeFields are the error fields of a WeChat response. A success often has no
// errcode, and errors have status 200, some with the type text/plain: only the body
// distinguishes success from failure.
type errcodeFields struct {
	Errcode intOrString `json:"errcode"`
	Errmsg  string      `json:"errmsg"`
}

// intOrString is an integer that WeChat encodes as 86 or as "86"; null decodes to 0.
type intOrString int64

func (n *intOrString) UnmarshalJSON(b []byte) error {
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
	*n = intOrString(v)
	return nil
}

// stringOrNumber is a string that WeChat encodes as "86" or as 86; null decodes to "".
type stringOrNumber string

func (t *stringOrNumber) UnmarshalJSON(b []byte) error {
	var n json.Number // accepts both
	if err := json.Unmarshal(b, &n); err == nil {
		*t = stringOrNumber(n)
		return nil
	}
	return json.Unmarshal(b, (*string)(t))
}

// decode decodes a response body into out, which may be nil, or returns the error that
// its errcode stands for.
func decode(call apiCall, body []byte, out any) error {
	var v errcodeFields
	if err := json.Unmarshal(body, &v); err != nil {
		return malformedResponse(call)
	}
	if v.Errcode != 0 {
		return errcodeError(call.api, int(v.Errcode), printable(v.Errmsg, call.secrets...))
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return malformedResponse(call)
	}
	return nil
}

// malformedResponse returns the error for a body that is not the API's: a proxy's HTML page, a
// field of a wrong type, a required field that is missing.
func malformedResponse(call apiCall) error {
	return unavailable(call.api, "malformed response", retryAfterDefault)
}

// validText reports whether a text from a response is not empty, has at most max bytes,
// and is UTF-8 without control characters.
func validText(text string, max int) bool {
	return text != "" && len(text) <= max && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}
