package http1

import "bytes"

// Classes of bytes.
const (
	tokenByte = 1 << iota
	fieldByte
	targetByte
	hostByte
)

// byteClasses holds the classes of each byte.
var byteClasses = func() (classes [256]uint8) {
	for c := range 256 {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if letter || c < 0x80 && bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), byte(c)) >= 0 {
			classes[c] |= tokenByte
		}
		if c == '\t' || c >= ' ' && c != 0x7f {
			classes[c] |= fieldByte
		}
		if c > ' ' && c < 0x7f {
			classes[c] |= targetByte
		}
		if letter || c == '-' || c == '.' || c == '_' {
			classes[c] |= hostByte
		}
	}
	return classes
}()

func isToken(c byte) bool     { return byteClasses[c]&tokenByte != 0 }
func isFieldByte(c byte) bool { return byteClasses[c]&fieldByte != 0 }
func isHostByte(c byte) bool  { return byteClasses[c]&hostByte != 0 }
func isDigit(c byte) bool     { return '0' <= c && c <= '9' }
func isBlank(c byte) bool     { return c == ' ' || c == '\t' }

func allTokens(b []byte) bool {
	for _, c := range b {
		if !isToken(c) {
			return false
		}
	}
	return true
}
