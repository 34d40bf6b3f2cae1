package proxy

import (
	"strings"
	"time"
)

// setCookie is a Set-Cookie line as a user agent parses it (RFC 6265, section 5.2). That
// grammar accepts more than section 4 allows servers to send: names such as cart[7],
// values with quotes, backslashes or UTF-8. Name and value are the bytes as sent.
type setCookie struct {
	name, value string
	path        string    // "": the default path
	domain      string    // lower case, without the leading dot; "": none
	expires     time.Time // zero: at the end of the session
}

// maxCookieAge limits Max-Age: it is longer than any session, and fits into a
// time.Duration.
const maxCookieAge = 100 * 365 * 24 * time.Hour

// parseSetCookie parses one line. ok is false if a user agent ignores the line: it has
// no name, or control characters, which could not be sent in a Cookie header.
func parseSetCookie(line string, now time.Time) (c setCookie, ok bool) {
	if hasControlCharacter(line) {
		return c, false
	}
	pair, attributes, _ := strings.Cut(line, ";")
	name, value, hasValue := strings.Cut(pair, "=")
	c.name, c.value = trimWSP(name), trimWSP(value)
	if !hasValue || c.name == "" {
		return setCookie{}, false
	}
	hasMaxAge := false
	for attribute := range strings.SplitSeq(attributes, ";") {
		name, value, _ := strings.Cut(attribute, "=")
		value = trimWSP(value)
		switch strings.ToLower(trimWSP(name)) {
		case "expires":
			if at, ok := parseCookieDate(value); ok && !hasMaxAge {
				c.expires = at
			}
		case "max-age": // takes precedence over Expires (section 5.3, step 3)
			if at, ok := maxAgeExpiry(value, now); ok {
				c.expires, hasMaxAge = at, true
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

// maxAgeExpiry returns the expiry for a Max-Age (section 5.2.2): any number of digits,
// with or without a minus sign.
func maxAgeExpiry(value string, now time.Time) (time.Time, bool) {
	digits := strings.TrimPrefix(value, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return time.Time{}, false
	}
	seconds, limit := int64(0), int64(maxCookieAge/time.Second)
	for _, digit := range digits {
		seconds = min(seconds*10+int64(digit-'0'), limit)
	}
	if digits != value {
		return now, true
	}
	return now.Add(time.Duration(seconds) * time.Second), true
}

// trimWSP trims WSP (RFC 5234): space and tab, but no other Unicode white space.
func trimWSP(s string) string { return strings.Trim(s, " \t") }

func hasControlCharacter(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}
