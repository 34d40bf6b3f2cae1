package httprule

import "strings"

// AllowedInTrailer reports whether a field may follow a body. Fields that
// control framing, routing, authentication or caching may not (RFC 9110,
// section 6.5.1): servers that merge trailers into the header would trust them.
func AllowedInTrailer(name string) bool {
	switch name {
	case "Cookie", "Set-Cookie", "Location", "Origin", "Referer", "Range", "Cache-Control", "Expect":
		return false
	}
	return !strings.HasPrefix(name, "Content-")
}
