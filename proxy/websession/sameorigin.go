// Package websession implements what sessions of web pages need in addition to those of
// mini programs: the cookie, the check of a request's origin, the error pages, and the
// reference to which a ticket redirects.
//
// A browser sends the cookie with requests from the pages of every site. Origins decides
// whether a request is from an allowed page (protection against CSRF).
package websession

import (
	"net/http"
	"slices"

	"wxgate/internal/httprule"
)

// Origins are the origins whose pages may send requests with the cookie.
type Origins struct {
	// Public are the origins at which clients reach the gateway. Empty: the scheme and
	// Host of each request.
	Public []httprule.Origin

	// Additional origins are treated like the gateway's own.
	Additional []httprule.Origin
}

// Request is a request with the cookie.
type Request struct {
	Method    string // after X-HTTP-Method-Override
	WebSocket bool   // a WebSocket handshake
	Header    http.Header
	Scheme    string // http or https, as the client used it (see X-Forwarded-Proto)
	Host      string // as the client sent it (see X-Forwarded-Host)
}

// Allows reports whether the request is from a page of one of the origins, or a
// navigation: a person entered a URL or followed a link.
//
// A page can't set Sec-Fetch-Site (W3C Fetch Metadata). Browsers without it (WebKit before
// 16.4) send Origin with every method except GET and HEAD. A WebSocket handshake has no
// Sec-Fetch-Site, but browsers always send its Origin (RFC 6455, section 4.1). The origin
// "null" is never allowed.
func (o Origins) Allows(r Request) bool {
	if r.WebSocket {
		return o.fromAllowedPage(r)
	}
	site, sent := single(r.Header["Sec-Fetch-Site"])
	if safeMethod(r.Method) {
		return o.allowsSafeMethod(r, site, sent)
	}
	switch {
	case sent && (site == "same-origin" || site == "none"):
		return true
	case len(r.Header["Sec-Fetch-Site"]) > 0:
		return o.fromAdditional(r)
	}
	return o.fromAllowedPage(r)
}

// allowsSafeMethod decides about GET, HEAD and OPTIONS. Navigations from other sites are
// allowed. Other cross-site requests are not: a page can use some responses without
// reading them (a script, an image, an event stream).
func (o Origins) allowsSafeMethod(r Request, site string, sent bool) bool {
	if len(r.Header["Sec-Fetch-Site"]) == 0 {
		return true
	}
	mode, _ := single(r.Header["Sec-Fetch-Mode"])
	switch {
	case sent && (site == "same-origin" || site == "none"), sent && mode == "navigate":
		return true
	}
	return o.fromAdditional(r)
}

func safeMethod(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// fromAllowedPage reports whether Origin is one of the public or the additional origins.
func (o Origins) fromAllowedPage(r Request) bool {
	origin, ok := originOf(r)
	return ok && (slices.Contains(o.public(r), origin) || slices.Contains(o.Additional, origin))
}

func (o Origins) fromAdditional(r Request) bool {
	origin, ok := originOf(r)
	return ok && slices.Contains(o.Additional, origin)
}

// public returns the public origins: the configured ones, or the request's own.
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
	text, ok := single(r.Header["Origin"])
	if !ok {
		return httprule.Origin{}, false
	}
	origin, err := httprule.ParseOrigin(text)
	return origin, err == nil
}

// single returns the value of a header that was sent exactly once.
func single(values []string) (string, bool) {
	if len(values) != 1 {
		return "", false
	}
	return values[0], true
}
