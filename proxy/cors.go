package proxy

import (
	"net/http"
	"slices"
	"strings"

	"wxgate/apierror"
	"wxgate/internal/httprule"
)

// What CORS answers tell a browser. Credentials are allowed on routes that take a
// web page's cookie, to the origins of Web.Origins, and nowhere else: a token goes
// in a header.
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
// origins.
func answerCORS(rc *requestContext) error {
	return rc.setCORS(rc.route.CORSOrigins, rc.route.allow)
}

func (rc *requestContext) setCORS(origins []string, methods string) error {
	if len(origins) == 0 {
		return nil
	}
	origin := lastValue(rc.r.Header["Origin"])
	allowed := len(rc.r.Header["Origin"]) == 1 && (origins[0] == "*" || slices.Contains(origins, origin))
	credentials := allowed && rc.allowsCredentials(origin)
	rc.responseHeaders = func(h http.Header) {
		setCORSHeaders(h, origin, allowed)
		if credentials {
			h["Access-Control-Allow-Credentials"] = []string{"true"}
		}
	}
	if !isPreflight(rc.r) {
		return nil
	}
	if !allowed {
		return apierror.New(apierror.Forbidden, "this origin is not allowed")
	}
	h := rc.Header()
	h["Access-Control-Allow-Methods"] = []string{methods}
	if asked := rc.r.Header["Access-Control-Request-Headers"]; len(asked) == 1 {
		h["Access-Control-Allow-Headers"] = asked
	}
	h["Access-Control-Max-Age"] = []string{corsMaxAge}
	rc.done = true
	rc.WriteHeader(http.StatusNoContent)
	return nil
}

// allowsCredentials reports whether a script of the origin may use the cookie.
func (rc *requestContext) allowsCredentials(origin string) bool {
	if rc.route == nil || !rc.route.AcceptCookie {
		return false
	}
	parsed, err := httprule.ParseOrigin(origin)
	return err == nil && slices.Contains(rc.config.Web.Origins, parsed)
}

// setCORSHeaders replaces whatever a backend says of origins by the gateway's
// word; the headers that a backend exposes are the gateway's and its own.
func setCORSHeaders(h http.Header, origin string, allowed bool) {
	exposed := exposedHeaders(h["Access-Control-Expose-Headers"])
	for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers"} {
		delete(h, name)
	}
	if !listsToken(h["Vary"], "Origin") {
		h["Vary"] = []string{strings.Join(append(slices.Clone(h["Vary"]), "Origin"), ", ")}
	}
	if allowed {
		h["Access-Control-Allow-Origin"] = []string{origin}
		h["Access-Control-Expose-Headers"] = []string{exposed}
	}
}

// exposedHeaders is one list of the gateway's headers and a backend's, each
// once.
func exposedHeaders(backend []string) string {
	all := corsExposed
	for _, line := range backend {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name != "" && !listsToken([]string{all}, name) {
				all += ", " + name
			}
		}
	}
	return all
}
