package proxy

import (
	"net/http"
	"slices"
	"strings"

	"wxgate/apierror"
	"wxgate/internal/httprule"
)

// Values of the CORS response headers. Access-Control-Allow-Credentials is sent only to
// the origins of Web.Origins, on routes that accept the web session's cookie: a token is
// sent in a header, for which CORS needs no credentials.
const (
	corsExposed = "X-Session-Token, X-Gateway-Error, X-Request-ID, Retry-After"
	corsMaxAge  = "600"
)

// isPreflight reports whether the request is a CORS preflight (Fetch standard, section
// 3.2.2).
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && len(r.Header["Origin"]) == 1 && len(r.Header["Access-Control-Request-Method"]) == 1
}

// servesPreflight reports whether the request is a preflight to which the gateway
// responds for the route.
func (rt *Route) servesPreflight(r *http.Request) bool {
	return len(rt.CORSOrigins) > 0 && isPreflight(r)
}

// applyCORS responds to a preflight, and adds the CORS headers to every other response of
// a route with cors.origins.
func applyCORS(rs *requestState) error {
	return rs.setCORS(rs.route.CORSOrigins, rs.route.allow)
}

// setCORS is applyCORS for these origins and methods.
func (rs *requestState) setCORS(origins []string, methods string) error {
	if len(origins) == 0 {
		return nil
	}
	origin := lastValue(rs.r.Header["Origin"])
	allowed := len(rs.r.Header["Origin"]) == 1 && (origins[0] == "*" || slices.Contains(origins, origin))
	credentials := allowed && rs.allowsCredentials(origin)
	rs.responseHeaders = func(h http.Header) {
		setCORSHeaders(h, origin, allowed)
		if credentials {
			h["Access-Control-Allow-Credentials"] = []string{"true"}
		}
	}
	if !isPreflight(rs.r) {
		return nil
	}
	if !allowed {
		return apierror.New(apierror.Forbidden, "this origin is not allowed")
	}
	h := rs.Header()
	h["Access-Control-Allow-Methods"] = []string{methods}
	if requested := rs.r.Header["Access-Control-Request-Headers"]; len(requested) == 1 {
		h["Access-Control-Allow-Headers"] = requested
	}
	h["Access-Control-Max-Age"] = []string{corsMaxAge}
	rs.responded = true
	rs.WriteHeader(http.StatusNoContent)
	return nil
}

// allowsCredentials reports whether a script of the origin may send the web session's
// cookie.
func (rs *requestState) allowsCredentials(origin string) bool {
	if rs.route == nil || !rs.route.AcceptCookie {
		return false
	}
	parsed, err := httprule.ParseOrigin(origin)
	return err == nil && slices.Contains(rs.config.Web.Origins, parsed)
}

// setCORSHeaders replaces the backend's CORS headers. Access-Control-Expose-Headers lists
// the gateway's headers and those that the backend lists.
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

// exposedHeaders lists the gateway's headers and the backend's, without duplicates.
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
