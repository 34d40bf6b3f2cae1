package websession

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// MaxNext bounds the address that a ticket leads to, in bytes.
const MaxNext = 1 << 10

// ErrNext is returned for an address that no ticket may lead to.
var ErrNext = errors.New("next is no path on this origin")

// SplitNext gives the target (path and query) of the address that a ticket is
// to lead to, and the whole address as a Location header can carry it. What
// comes behind "#" stays with the browser and is no part of the target. Whether
// the target is safe and whose route takes it is the caller's to judge.
func SplitNext(next string) (target, location string, err error) {
	if len(next) > MaxNext || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || !utf8.ValidString(next) {
		return "", "", ErrNext
	}
	target, fragment, found := strings.Cut(next, "#")
	if strings.ContainsFunc(next, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '\\' || c >= 0x80 && c < 0xa0 }) {
		return "", "", ErrNext
	}
	target = escapeNonASCII(target)
	location = target
	if found {
		location += "#" + escapeNonASCII(fragment)
	}
	return target, location, nil
}

// escapeNonASCII percent-encodes what a request line and a header can't carry.
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
