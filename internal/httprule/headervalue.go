package httprule

import "strings"

// EncodeHeaderValue gives s as it is where a header can carry it, else with the
// bytes that it can't carry percent-encoded: those beyond printable ASCII,
// "%" itself, blanks at the ends, and what also lists.
func EncodeHeaderValue(s, also string) string {
	if carries(s, also) {
		return s
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if plainByte(c, also) && (c != ' ' || i > 0 && i < len(s)-1) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

func carries(s, also string) bool {
	for i := range len(s) {
		if !plainByte(s[i], also) {
			return false
		}
	}
	return s == "" || s[0] != ' ' && s[len(s)-1] != ' '
}

func plainByte(c byte, also string) bool {
	return c >= ' ' && c < 0x7f && c != '%' && strings.IndexByte(also, c) < 0
}
