package websession

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// MaxNext is the maximum length of next, in bytes.
const MaxNext = 1 << 10

// ErrInvalidNext is returned for a next that a ticket must not redirect to.
var ErrInvalidNext = errors.New("next is not a path on this origin")

// ParseNext parses next, the reference to which a ticket redirects. target is its path and
// query; location is the value of the Location header, the fragment included. Both are
// percent-encoded to ASCII. It rejects what a browser could resolve to another origin: an
// open redirect. The caller must check the path, and which route it matches.
func ParseNext(next string) (target, location string, err error) {
	if len(next) > MaxNext || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || !utf8.ValidString(next) {
		return "", "", ErrInvalidNext
	}
	target, fragment, found := strings.Cut(next, "#")
	if strings.ContainsFunc(next, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '\\' || c >= 0x80 && c < 0xa0 }) {
		return "", "", ErrInvalidNext
	}
	target = escapeNonASCII(target)
	location = target
	if found {
		location += "#" + escapeNonASCII(fragment)
	}
	return target, location, nil
}

// escapeNonASCII percent-encodes the bytes that a request line and a header can't contain.
func escapeNonASCII(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < utf8.RuneSelf {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}
