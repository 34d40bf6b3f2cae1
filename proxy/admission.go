package proxy

import (
	"net/http"
	"strings"

	"wxgate/apierror"
	"wxgate/internal/httprule"
)

// maxHeaderLines bounds the count of header lines, whatever their size.
// maxConnectionOptions bounds what Connection lists: each option is compared with
// each line.
const (
	maxHeaderLines       = 256
	maxConnectionOptions = 32
)

// admit refuses what no route should ever see: requests that two servers could
// understand differently. Nothing here depends on who the caller is.
func admit(rc *requestContext) error {
	r := rc.r
	if httprule.NeverForwarded(r.Method) {
		e := apierror.New(apierror.MethodNotAllowed, "this method is never served")
		e.Allow, e.Close = strings.Join(httprule.DefaultMethods(), ", "), true
		return e
	}
	if err := checkHeaderSize(r, rc.config.MaxHeader); err != nil {
		return err
	}
	if !httprule.ValidRequestTarget(r) {
		return malformedPath()
	}
	host, ok := httprule.RoutingHost(r.Host)
	if !ok {
		return badRequest("the Host header is not a host")
	}
	rc.host = host
	return checkAmbiguities(r)
}

// answerAsterisk answers OPTIONS *, which is about the server and no route (RFC
// 9110, section 9.3.7).
func answerAsterisk(rc *requestContext) error {
	if rc.r.Method == http.MethodOptions && rc.r.RequestURI == "*" {
		rc.done = true
		rc.Header().Set("Allow", strings.Join(httprule.DefaultMethods(), ", "))
		rc.WriteHeader(http.StatusNoContent)
	}
	return nil
}

func malformedPath() *apierror.Error {
	return closing(apierror.New(apierror.BadPath, "the path could be read in more than one way"))
}

func badRequest(message string) *apierror.Error {
	return closing(apierror.New(apierror.BadRequest, message))
}

func checkHeaderSize(r *http.Request, most int) error {
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
	return closing(apierror.New(apierror.HeaderTooLarge, "the request's header is too large"))
}

// checkAmbiguities refuses what servers are known to disagree about.
func checkAmbiguities(r *http.Request) error {
	switch {
	case len(r.Header["Authorization"]) > 1:
		return badRequest("more than one Authorization header")
	case !expectIsPlain(r.Header["Expect"]):
		return badRequest("Expect may only be 100-continue")
	case len(r.Header["Content-Type"]) > 1:
		return badRequest("more than one Content-Type header")
	case len(r.Header["Content-Length"]) > 1:
		return badRequest("more than one Content-Length header")
	case !lengthIsPlain(r.Header["Content-Length"]):
		return badRequest("Content-Length is not a number")
	case !connectionIsBrief(r.Header["Connection"]):
		return badRequest("Connection lists too many names")
	case r.URL.User != nil:
		return badRequest("a request target holds no user")
	}
	return nil
}

// expectIsPlain: net/http also honours lists that hold 100-continue among
// others, and would pass them on as they are.
func expectIsPlain(values []string) bool {
	return len(values) == 0 || len(values) == 1 && strings.EqualFold(values[0], "100-continue")
}

// lengthIsPlain: over HTTP/2, net/http takes what isn't a number for 0.
func lengthIsPlain(values []string) bool {
	return len(values) == 0 || values[0] != "" && strings.Trim(values[0], "0123456789") == ""
}

func connectionIsBrief(lines []string) bool {
	options := len(lines)
	for _, line := range lines {
		options += strings.Count(line, ",")
	}
	return options <= maxConnectionOptions
}

// closing marks an answer after which the connection ends: what comes next on
// it can't be trusted to be a request.
func closing(e *apierror.Error) *apierror.Error {
	e.Close = true
	return e
}
