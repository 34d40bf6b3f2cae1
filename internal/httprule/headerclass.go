package httprule

import (
	"net/textproto"
	"strings"
)

// Class says who may set a header and in which direction it is forwarded.
type Class uint8

const (
	// Ordinary headers are forwarded in both directions; a route's header rules
	// may change them.
	Ordinary Class = iota

	// Connection headers are hop-by-hop or frame the message.
	Connection

	// Controlled headers are forwarded as another setting or a protocol rule
	// says (cookies, Expect, a WebSocket handshake); header rules can't change
	// them.
	Controlled

	// Gateway headers are set by the gateway alone.
	Gateway

	// Identity headers name the authenticated user: the configured names and
	// those of WeChat Cloud Run. They are set by the gateway alone.
	Identity

	// OtherIdentity headers are the identity headers of other gateways: a
	// backend that was migrated from one may still trust them. No client may
	// send them; header rules may set them.
	OtherIdentity

	// Forwarded headers describe the client's connection to the first proxy.
	// They are forwarded only when a trusted proxy sent them.
	Forwarded

	// ForwardedVendor headers do the same under a vendor's name. They are
	// forwarded only when a trusted proxy sent them; header rules may set them.
	ForwardedVendor

	// Malformed names have a byte other than letters, digits and inner hyphens.
	// They are never forwarded.
	Malformed
)

// PassesFromClient reports whether a client's header is forwarded to the
// backend; trusted says that a trusted proxy sent it.
func (c Class) PassesFromClient(trusted bool) bool {
	switch c {
	case Ordinary, Controlled:
		return true
	case Forwarded, ForwardedVendor:
		return trusted
	}
	return false
}

// PassesFromBackend reports whether a backend's header is forwarded to the client.
func (c Class) PassesFromBackend() bool { return c == Ordinary || c == Controlled }

// RulesMayChange reports whether request_headers and response_headers of a
// route may set or remove the header.
func (c Class) RulesMayChange() bool {
	return c == Ordinary || c == OtherIdentity || c == ForwardedVendor
}

// Headers maps every header name to its class, for one set of identity headers.
// Its methods expect names in canonical form (textproto.CanonicalMIMEHeaderKey),
// the form of the keys of an http.Header that net/http parsed.
type Headers struct {
	request  map[string]Class
	response map[string]Class
}

// NewHeaders builds the tables for the configured identity headers, in any
// letter case.
func NewHeaders(identity []string) *Headers {
	return &Headers{
		request:  withIdentity(requestClasses(), identity),
		response: withIdentity(responseClasses(), identity),
	}
}

func withIdentity(classes map[string]Class, identity []string) map[string]Class {
	for _, name := range identity {
		classes[textproto.CanonicalMIMEHeaderKey(name)] = Identity
	}
	return classes
}

// Request returns the class of a request's header or trailer.
func (h *Headers) Request(name string) Class {
	if class, listed := h.request[name]; listed {
		return class
	}
	if !plainName(name) {
		return Malformed
	}
	return classByPrefix(requestPrefixes[:], name)
}

// Response returns the class of a response's header or trailer. Malformed names,
// a threat to backends only, are forwarded to the client.
func (h *Headers) Response(name string) Class {
	if class, listed := h.response[name]; listed {
		return class
	}
	return classByPrefix(responsePrefixes[:], name)
}

func classByPrefix(prefixes []prefixClass, name string) Class {
	for _, p := range prefixes {
		if strings.HasPrefix(name, p.prefix) {
			return p.class
		}
	}
	return Ordinary
}
