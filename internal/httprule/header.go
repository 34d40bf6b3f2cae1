package httprule

import (
	"net/textproto"
	"strings"
)

// Class says whom a header belongs to, and with that, which way it passes and
// who may set it.
type Class uint8

const (
	// Ordinary headers pass both ways; a route's rules may change them.
	Ordinary Class = iota

	// Connection headers end at each hop or frame the message.
	Connection

	// Controlled headers pass as another setting or a protocol rule says
	// (cookies, Expect, a WebSocket's handshake); a route's rules can't
	// change them.
	Controlled

	// Gateway headers are set by the gateway alone.
	Gateway

	// Identity headers tell a backend who the caller is: the configured names
	// and those of WeChat Cloud Run. They are set by the gateway alone.
	Identity

	// OtherIdentity headers are those by which other gateways tell identity: a
	// backend that was moved here may still trust them. No client may send
	// them; a route's rules may set them.
	OtherIdentity

	// Forwarded headers tell how the request came to the gateway. They pass
	// from a trusted proxy only.
	Forwarded

	// ForwardedVendor headers do the same under a vendor's name. They pass
	// from a trusted proxy only; a route's rules may set them.
	ForwardedVendor

	// Malformed names hold something else than letters, digits and inner
	// hyphens. They never pass.
	Malformed
)

// PassesFromClient reports whether a client's header reaches the backend;
// trusted says that a trusted proxy sent it.
func (c Class) PassesFromClient(trusted bool) bool {
	switch c {
	case Ordinary, Controlled:
		return true
	case Forwarded, ForwardedVendor:
		return trusted
	}
	return false
}

// PassesFromBackend reports whether a backend's header reaches the client.
func (c Class) PassesFromBackend() bool { return c == Ordinary || c == Controlled }

// RulesMayChange reports whether request_headers and response_headers of a
// route may set or remove the header.
func (c Class) RulesMayChange() bool {
	return c == Ordinary || c == OtherIdentity || c == ForwardedVendor
}

// Headers knows the class of every header, for one set of identity headers.
// Names are asked for in canonical form (textproto.CanonicalMIMEHeaderKey),
// which is how net/http keys what it read.
type Headers struct {
	request  map[string]Class
	response map[string]Class
}

// NewHeaders makes the table for the configured identity headers, in any
// letter case.
func NewHeaders(identity []string) *Headers {
	return &Headers{
		request:  withIdentity(requestNames(), identity),
		response: withIdentity(responseNames(), identity),
	}
}

func withIdentity(table map[string]Class, identity []string) map[string]Class {
	for _, name := range identity {
		table[textproto.CanonicalMIMEHeaderKey(name)] = Identity
	}
	return table
}

// Request gives the class of a request's header or trailer.
func (h *Headers) Request(name string) Class {
	if class, known := h.request[name]; known {
		return class
	}
	if !plainName(name) {
		return Malformed
	}
	return familyOf(requestFamilies[:], name)
}

// Response gives the class of a response's header or trailer. Names that are
// malformed towards a backend are harmless towards a client, and pass.
func (h *Headers) Response(name string) Class {
	if class, known := h.response[name]; known {
		return class
	}
	return familyOf(responseFamilies[:], name)
}

func familyOf(families []family, name string) Class {
	for _, f := range families {
		if strings.HasPrefix(name, f.prefix) {
			return f.class
		}
	}
	return Ordinary
}

// maxName bounds a configured header name, in bytes.
const maxName = 128

// plainName reports whether a name holds letters, digits and, between them,
// hyphens only. Backends fold "_" and "." (CGI, PHP, WSGI) and even others into
// one another.
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

// ValidHeaderName accepts a header name of a configuration: one that would
// pass, of a length that has a use.
func ValidHeaderName(name string) bool { return len(name) <= maxName && plainName(name) }

// TrailerMayCarry reports whether a field may come behind a body. Those that
// say how a message is to be read, whom it is from or what is to be kept may
// not (RFC 9110, section 6.5.1): servers that merge trailers into the header
// would trust them.
func TrailerMayCarry(name string) bool {
	switch name {
	case "Cookie", "Set-Cookie", "Location", "Origin", "Referer", "Range", "Cache-Control", "Expect":
		return false
	}
	return !strings.HasPrefix(name, "Content-")
}

// ConnectionOptions gives the canonical names that a Connection header
// declares hop-by-hop (RFC 9110, section 7.6.1), "close" among them.
func ConnectionOptions(lines []string) []string {
	var listed []string
	for _, line := range lines {
		for token := range strings.SplitSeq(line, ",") {
			if token = textproto.TrimString(token); token != "" && !strings.EqualFold(token, "keep-alive") {
				listed = append(listed, textproto.CanonicalMIMEHeaderKey(token))
			}
		}
	}
	return listed
}

// StandardRequestHeader reports whether a canonical name has a meaning in HTTP
// or in the gateway's interface already, so that no identity can be sent under it.
func StandardRequestHeader(name string) bool {
	switch name {
	case "Authorization", "Range", "Origin", "Referer", "User-Agent", "Date", "Via", "From", "Cache-Control",
		"Pragma", "Max-Forwards", "Priority", "Traceparent", "Tracestate", "Cookie", "Host", IdempotencyKey:
		return true
	}
	for _, prefix := range [...]string{"Accept", "Content-", "If-", "Sec-", "Access-Control-", "Proxy-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
