package proxy

import (
	"net/http"
	"strings"

	"wxgate/apierror"
	"wxgate/internal/httprule"
)

// maxHeaderLines bounds the count of header lines, whatever their size.
const maxHeaderLines = 256

// admit refuses what no route should ever see: requests that two servers could
// understand differently. Nothing here depends on who asks.
func (x *exchange) admit(maxHeader int) *apierror.Error {
	r := x.r
	if httprule.NeverForwarded(r.Method) {
		f := apierror.New(apierror.MethodNotAllowed, "this method is never served")
		f.Allow, f.Close = strings.Join(httprule.Methods(), ", "), true
		return f
	}
	if f := checkHeaderSize(r, maxHeader); f != nil {
		return f
	}
	if !httprule.ValidRequestTarget(r) {
		return badPath()
	}
	host, ok := httprule.RoutingHost(r.Host)
	if !ok {
		return badRequest("the Host header is not a host")
	}
	x.host = host
	return checkOddities(r)
}

func badPath() *apierror.Error {
	return closing(apierror.New(apierror.BadPath, "the path could be read in more than one way"))
}

func badRequest(message string) *apierror.Error {
	f := apierror.New(apierror.BadRequest, message)
	f.Close = true
	return f
}

func checkHeaderSize(r *http.Request, most int) *apierror.Error {
	size, lines := len(r.Method)+len(r.RequestURI)+len(r.Host), 0
	for name, values := range r.Header {
		for _, v := range values {
			size += len(name) + len(v) + 4
		}
		lines += len(values)
	}
	if size <= most && lines <= maxHeaderLines {
		return nil
	}
	f := apierror.New(apierror.HeaderTooLarge, "the request's header is too large")
	f.Close = true
	return f
}

// checkOddities refuses what servers are known to disagree about.
func checkOddities(r *http.Request) *apierror.Error {
	switch {
	case len(r.Header["Authorization"]) > 1:
		return badRequest("more than one Authorization header")
	case !expectIsPlain(r.Header["Expect"]):
		return badRequest("Expect may only be 100-continue")
	case len(r.Header["Content-Type"]) > 1:
		return badRequest("more than one Content-Type header")
	case len(r.Header["Content-Length"]) > 1:
		return badRequest("more than one Content-Length header")
	case r.URL.User != nil:
		return badRequest("a request target holds no user")
	case r.ProtoMajor == 1 && r.ProtoMinor > 1:
		return badRequest("there is no such version of HTTP")
	}
	return nil
}

// expectIsPlain: net/http also honours lists that hold 100-continue among
// others, and would pass them on as they are.
func expectIsPlain(values []string) bool {
	return len(values) == 0 || len(values) == 1 && strings.EqualFold(values[0], "100-continue")
}

// upgrade says what kind of connection the request asks for.
type upgrade int

const (
	upgradeNone upgrade = iota
	upgradeWebSocket
	upgradeBroken // asks for a WebSocket, but not as RFC 6455, section 4.1 has it
)

// upgradeOf judges the request's Upgrade. Anything but websocket is dropped
// (as hop-by-hop) and the request served without it.
func upgradeOf(r *http.Request) upgrade {
	values := r.Header["Upgrade"]
	if len(values) == 0 || !strings.EqualFold(strings.TrimSpace(values[0]), "websocket") || !listsToken(r.Header["Connection"], "upgrade") {
		return upgradeNone
	}
	proper := len(values) == 1 && r.Method == http.MethodGet && r.ProtoAtLeast(1, 1) && r.ProtoMajor == 1 &&
		r.ContentLength == 0 && len(r.Header["Sec-Websocket-Key"]) == 1
	if !proper {
		return upgradeBroken
	}
	return upgradeWebSocket
}

// listsToken reports whether a header that lists tokens holds one.
func listsToken(lines []string, token string) bool {
	for _, line := range lines {
		for t := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}
