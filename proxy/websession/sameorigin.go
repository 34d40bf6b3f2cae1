// Package websession holds what a session of a web page needs beside that of a
// mini program: the cookie, where a request comes from, the pages that a person
// sees, and the address that a ticket leads to.
//
// A browser sends the cookie along whoever's page made the request. Whether
// that page is one of ours is what Origins decides.
package websession

import (
	"net/http"
	"slices"

	"wxgate/internal/httprule"
)

// Origins says whose pages may use the cookie.
type Origins struct {
	// Public is where clients reach the gateway. Empty: the request's own
	// scheme and Host.
	Public []httprule.Origin

	// Further origins are treated like the gateway's own.
	Further []httprule.Origin
}

// Request is what is known of a request that came with the cookie.
type Request struct {
	Method    string // the effective one, after an override
	WebSocket bool   // a handshake
	Header    http.Header
	Scheme    string // http or https, trusted proxies looked through
	Host      string // likewise
}

// Allows reports whether a page of one of the origins made the request, or a
// person did by entering or following an address.
//
// Sec-Fetch-Site can't be set by a page (Fetch Metadata, W3C); browsers that
// don't send it yet (WebKit before 16.4) send Origin with every method but GET
// and HEAD. A WebSocket handshake has no Sec-Fetch-Site; its Origin is always
// there in browsers (RFC 6455, section 4.1). "null" is nobody's origin.
func (o Origins) Allows(r Request) bool {
	if r.WebSocket {
		return o.fromOurPage(r)
	}
	site, sent := only(r.Header["Sec-Fetch-Site"])
	if safeMethod(r.Method) {
		return o.allowsReading(r, site, sent)
	}
	switch {
	case sent && (site == "same-origin" || site == "none"):
		return true
	case len(r.Header["Sec-Fetch-Site"]) > 0:
		return o.fromFurther(r)
	}
	return o.fromOurPage(r)
}

// allowsReading: what another site's page can't read does no harm, but for an
// answer that it could use without reading (a script, an image, an event
// stream). Links from elsewhere are navigations and pass.
func (o Origins) allowsReading(r Request, site string, sent bool) bool {
	if len(r.Header["Sec-Fetch-Site"]) == 0 {
		return true
	}
	mode, _ := only(r.Header["Sec-Fetch-Mode"])
	switch {
	case sent && (site == "same-origin" || site == "none"), sent && mode == "navigate":
		return true
	}
	return o.fromFurther(r)
}

func safeMethod(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// fromOurPage compares Origin with the public origins, or with the address that
// the request was sent to, and with the further ones.
func (o Origins) fromOurPage(r Request) bool {
	origin, ok := originOf(r)
	return ok && (slices.Contains(o.public(r), origin) || slices.Contains(o.Further, origin))
}

func (o Origins) fromFurther(r Request) bool {
	origin, ok := originOf(r)
	return ok && slices.Contains(o.Further, origin)
}

func (o Origins) public(r Request) []httprule.Origin {
	if len(o.Public) > 0 {
		return o.Public
	}
	own, err := httprule.NewOrigin(r.Scheme, r.Host)
	if err != nil {
		return nil
	}
	return []httprule.Origin{own}
}

func originOf(r Request) (httprule.Origin, bool) {
	text, ok := only(r.Header["Origin"])
	if !ok {
		return httprule.Origin{}, false
	}
	origin, err := httprule.ParseOrigin(text)
	return origin, err == nil
}

// only gives the value of a header that was sent once.
func only(values []string) (string, bool) {
	if len(values) != 1 {
		return "", false
	}
	return values[0], true
}

// IsNavigation reports whether a person's browser asks for a page to show,
// rather than a script for data: the answer may be a page.
func IsNavigation(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if modes := r.Header["Sec-Fetch-Mode"]; len(modes) > 0 {
		mode, ok := only(modes)
		return ok && mode == "navigate"
	}
	return acceptsPage(r.Header["Accept"])
}

// IsPrefetch reports whether a browser asks ahead of a click that may never
// come. A speculative prefetch says Sec-Fetch-Site: none from another site's
// page too; these headers are the only sign of it.
func IsPrefetch(h http.Header) bool {
	for _, name := range [...]string{"Sec-Purpose", "Purpose", "X-Moz"} {
		if len(h[name]) > 0 {
			return true
		}
	}
	return false
}
