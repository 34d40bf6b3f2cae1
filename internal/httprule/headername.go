package httprule

import "strings"

// maxHeaderName bounds a configured header name, in bytes.
const maxHeaderName = 128

// plainName reports whether a name holds letters, digits and, between them,
// hyphens only. Backends treat "_" and "." (CGI, PHP, WSGI), and some other
// bytes, as the same character.
func plainName(name string) bool {
	if name == "" || name[0] == '-' || name[len(name)-1] == '-' {
		return false
	}
	for i := range len(name) {
		if c := name[i]; !isAlphanumeric(c) && c != '-' {
			return false
		}
	}
	return true
}

// ValidHeaderName accepts a configured header name: letters, digits and inner
// hyphens, 128 bytes at most.
func ValidHeaderName(name string) bool { return len(name) <= maxHeaderName && plainName(name) }

// StandardRequestHeader reports whether a canonical name already has a meaning
// in HTTP or in the gateway's interface, so that no identity can be sent under it.
func StandardRequestHeader(name string) bool {
	switch name {
	case "Authorization", "Range", "Origin", "Referer", "User-Agent", "Date", "Via", "From", "Cache-Control",
		"Pragma", "Max-Forwards", "Priority", "Traceparent", "Tracestate", "Cookie", "Host", IdempotencyKeyHeader:
		return true
	}
	for _, prefix := range [...]string{"Accept", "Content-", "If-", "Sec-", "Access-Control-", "Proxy-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
