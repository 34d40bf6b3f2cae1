package httprule

import (
	"strings"
	"unicode/utf8"
)

// Printable reports whether s is UTF-8 without control characters (C0, DEL, C1).
func Printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c >= 0x7f && c < 0xa0 })
}
