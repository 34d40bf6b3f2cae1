package proxy

import (
	"strings"
	"time"
)

// setCookie is a Set-Cookie line as a user agent reads it (RFC 6265, section
// 5.2), which is far more than section 4 lets servers send: names such as
// cart[7], values with quotes, backslashes or UTF-8. Name and value are what
// was sent, byte for byte.
type setCookie struct {
	name, value string
	path        string    // "": the default path
	domain      string    // lower case, without the leading dot; "": none
	expires     time.Time // zero: with the session
}

// maxCookieLife bounds how far ahead a cookie's end can lie: far beyond any
// session, and within what a time.Duration holds.
const maxCookieLife = 100 * 365 * 24 * time.Hour

// parseSetCookie reads one line. ok is false for what a user agent ignores:
// lines without a name, and such with control characters, which could not be
// sent back.
func parseSetCookie(line string, now time.Time) (c setCookie, ok bool) {
	if hasControl(line) {
		return c, false
	}
	pair, attributes, _ := strings.Cut(line, ";")
	name, value, hasValue := strings.Cut(pair, "=")
	c.name, c.value = trimBlank(name), trimBlank(value)
	if !hasValue || c.name == "" {
		return setCookie{}, false
	}
	byMaxAge := false
	for attribute := range strings.SplitSeq(attributes, ";") {
		name, value, _ := strings.Cut(attribute, "=")
		value = trimBlank(value)
		switch strings.ToLower(trimBlank(name)) {
		case "expires":
			if at, ok := parseCookieDate(value); ok && !byMaxAge {
				c.expires = at
			}
		case "max-age": // goes before Expires (section 5.3, step 3)
			if at, ok := maxAgeEnd(value, now); ok {
				c.expires, byMaxAge = at, true
			}
		case "domain":
			if value != "" {
				c.domain = strings.ToLower(strings.TrimPrefix(value, "."))
			}
		case "path":
			c.path = ""
			if strings.HasPrefix(value, "/") {
				c.path = value
			}
		}
	}
	return c, true
}

// maxAgeEnd is the end that a Max-Age means (section 5.2.2): any number of
// digits, perhaps a minus sign.
func maxAgeEnd(value string, now time.Time) (time.Time, bool) {
	digits := strings.TrimPrefix(value, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return time.Time{}, false
	}
	seconds, most := int64(0), int64(maxCookieLife/time.Second)
	for _, digit := range digits {
		seconds = min(seconds*10+int64(digit-'0'), most)
	}
	if digits != value {
		return now, true
	}
	return now.Add(time.Duration(seconds) * time.Second), true
}

// trimBlank takes off WSP (RFC 5234), and nothing else that Unicode calls space.
func trimBlank(s string) string { return strings.Trim(s, " \t") }

func hasControl(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}
