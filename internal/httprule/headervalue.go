package httprule

import "strings"

// EncodeHeaderValue percent-encodes the bytes of s that are not safe in a header
// value: those outside printable ASCII, "%", spaces at either end, and the bytes
// in also. A safe s is returned unchanged.
func EncodeHeaderValue(s, also string) string {
	if isSafeValue(s, also) {
		return s
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if isSafeByte(c, also) && (c != ' ' || i > 0 && i < len(s)-1) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

func isSafeValue(s, also string) bool {
	for i := range len(s) {
		if !isSafeByte(s[i], also) {
			return false
		}
	}
	return s == "" || s[0] != ' ' && s[len(s)-1] != ' '
}

func isSafeByte(c byte, also string) bool {
	return c >= ' ' && c < 0x7f && c != '%' && strings.IndexByte(also, c) < 0
}
