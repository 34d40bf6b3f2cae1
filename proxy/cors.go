package proxy

import (
	"net/http"
	"slices"

	"wxgate/apierror"
)

// What CORS answers tell a browser. Credentials are never allowed: a token
// goes in a header, cookies play no part.
const (
	corsExposed = "X-Session-Token, X-Gateway-Error, X-Request-ID, Retry-After"
	corsMaxAge  = "600"
)

// isPreflight recognises a CORS preflight (Fetch standard, section 3.2.2).
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && len(r.Header["Origin"]) == 1 && len(r.Header["Access-Control-Request-Method"]) == 1
}

// answersPreflight reports whether the gateway answers for the route.
func (rt *Route) answersPreflight(r *http.Request) bool {
	return len(rt.CORSOrigins) > 0 && isPreflight(r)
}

// answerCORS answers a preflight and marks every other answer of a route with
// origins. It reports whether the request is done with.
func (x *exchange) answerCORS() bool {
	return x.cors(x.route.CORSOrigins, x.route.allow)
}

func (x *exchange) cors(origins []string, methods string) bool {
	if len(origins) == 0 {
		return false
	}
	origin := lastValue(x.r.Header["Origin"])
	allowed := len(x.r.Header["Origin"]) == 1 && (origins[0] == "*" || slices.Contains(origins, origin))
	x.responseHeaders = func(h http.Header) { markCORS(h, origin, allowed) }
	if !isPreflight(x.r) {
		return false
	}
	if !allowed {
		x.fail(apierror.New(apierror.Forbidden, "this origin is not allowed"))
		return true
	}
	h := x.Header()
	h["Access-Control-Allow-Methods"] = []string{methods}
	if asked := x.r.Header["Access-Control-Request-Headers"]; len(asked) == 1 {
		h["Access-Control-Allow-Headers"] = asked
	}
	h["Access-Control-Max-Age"] = []string{corsMaxAge}
	x.WriteHeader(http.StatusNoContent)
	return true
}

// markCORS replaces whatever a backend said of origins by the gateway's word.
func markCORS(h http.Header, origin string, allowed bool) {
	for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers"} {
		delete(h, name)
	}
	if !listsToken(h["Vary"], "Origin") {
		h["Vary"] = append(slices.Clone(h["Vary"]), "Origin")
	}
	if allowed {
		h["Access-Control-Allow-Origin"] = []string{origin}
		h["Access-Control-Expose-Headers"] = []string{corsExposed}
	}
}
