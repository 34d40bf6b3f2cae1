package proxy

import (
	"net/http"
	"strings"

	"wxgate/apierror"
	"wxgate/internal/httprule"
)

const (
	// maxHeaderLines limits the number of header lines, whatever their size.
	maxHeaderLines = 256

	// maxConnectionOptions limits the names in Connection: each is compared with each
	// header line.
	maxConnectionOptions = 32
)

// validateRequest refuses requests that the gateway and a backend could parse
// differently, before any route is looked up. It does not depend on the caller.
func validateRequest(rs *requestState) error {
	r := rs.r
	if httprule.NeverForwarded(r.Method) {
		e := apierror.New(apierror.MethodNotAllowed, "this method is not allowed")
		e.Allow, e.Close = strings.Join(httprule.DefaultMethods(), ", "), true
		return e
	}
	if err := checkHeaderSize(r, rs.config.MaxHeader); err != nil {
		return err
	}
	if !httprule.ValidRequestTarget(r) {
		return malformedPath()
	}
	host, ok := httprule.RoutingHost(r.Host)
	if !ok {
		return badRequest("the Host header is not a host")
	}
	rs.host = host
	return checkAmbiguousHeaders(r)
}

// serveServerOptions responds to OPTIONS *, which addresses the server and not a route
// (RFC 9110, section 9.3.7).
func serveServerOptions(rs *requestState) error {
	if rs.r.Method == http.MethodOptions && rs.r.RequestURI == "*" {
		rs.responded = true
		rs.Header().Set("Allow", strings.Join(httprule.DefaultMethods(), ", "))
		rs.WriteHeader(http.StatusNoContent)
	}
	return nil
}

func malformedPath() *apierror.Error {
	return withConnectionClose(apierror.New(apierror.BadPath, "the path could be read in more than one way"))
}

func badRequest(message string) *apierror.Error {
	return withConnectionClose(apierror.New(apierror.BadRequest, message))
}

func checkHeaderSize(r *http.Request, limit int) error {
	size, lines := len(r.Method)+len(r.RequestURI)+len(r.Host), 0
	for name, values := range r.Header {
		for _, v := range values {
			size += len(name) + len(v) + 4
		}
		lines += len(values)
	}
	if size <= limit && lines <= maxHeaderLines {
		return nil
	}
	return withConnectionClose(apierror.New(apierror.HeaderTooLarge, "the request's header is too large"))
}

// checkAmbiguousHeaders refuses header values that servers are known to parse
// differently.
func checkAmbiguousHeaders(r *http.Request) error {
	switch {
	case len(r.Header["Authorization"]) > 1:
		return badRequest("more than one Authorization header")
	case !validExpect(r.Header["Expect"]):
		return badRequest("Expect may only be 100-continue")
	case len(r.Header["Content-Type"]) > 1:
		return badRequest("more than one Content-Type header")
	case len(r.Header["Content-Length"]) > 1:
		return badRequest("more than one Content-Length header")
	case !validContentLength(r.Header["Content-Length"]):
		return badRequest("Content-Length is not a number")
	case !validConnection(r.Header["Connection"]):
		return badRequest("Connection lists too many names")
	case r.URL.User != nil:
		return badRequest("a request target holds no user")
	}
	return nil
}

// validExpect accepts 100-continue alone: net/http also accepts a list that contains it,
// and the list would be forwarded as it is.
func validExpect(values []string) bool {
	return len(values) == 0 || len(values) == 1 && strings.EqualFold(values[0], "100-continue")
}

// validContentLength accepts digits only: over HTTP/2, net/http reads any other value
// as 0.
func validContentLength(values []string) bool {
	return len(values) == 0 || values[0] != "" && strings.Trim(values[0], "0123456789") == ""
}

func validConnection(lines []string) bool {
	options := len(lines)
	for _, line := range lines {
		options += strings.Count(line, ",")
	}
	return options <= maxConnectionOptions
}

// withConnectionClose makes the server close the connection after the error response: it is
// not certain where the next request on it begins.
func withConnectionClose(e *apierror.Error) *apierror.Error {
	e.Close = true
	return e
}
