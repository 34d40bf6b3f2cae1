package config

import (
	"strconv"
	"strings"
)

// only reports whether every character of text is in class or in extra.
func only(text string, class func(rune) bool, extra string) bool {
	for _, c := range text {
		if !class(c) && !strings.ContainsRune(extra, c) {
			return false
		}
	}
	return true
}

func isAlphanumeric(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// isVisible accepts ASCII characters except space and control characters.
func isVisible(c rune) bool { return '!' <= c && c <= '~' }

// isPrintable accepts Unicode characters that can't end a line or a field of a log.
func isPrintable(c rune) bool { return c >= ' ' && c != 0x7f && strconv.IsPrint(c) }
