package endpoint

import (
	"net/http"
	"slices"
	"strings"

	"wxgate/internal/httprule"
	"wxgate/wechat"
)

// endpoint is one method at one path.
type endpoint struct {
	method      string
	serve       func(*Request) error // writes the response, or returns the error for it
	maxBody     int64                // bytes; 0: maxBody
	allowCookie bool                 // a web page's session cookie authenticates here too
	noHead      bool                 // HEAD is refused: it would have the effect of the GET
}

// table returns the endpoints by path, the paths with their prefix.
func (h *Handler) table(c *Config) map[string][]endpoint {
	table := map[string][]endpoint{httprule.JWKSPath: {{method: http.MethodGet, serve: h.serveJWKS}}}
	for path, endpoints := range h.sessionEndpoints() {
		table[c.Prefix+path] = endpoints
	}
	if c.Web.enabled() {
		for path, endpoints := range h.webEndpoints() {
			table[c.Prefix+path] = endpoints
		}
	}
	for appid, push := range c.Pushes {
		p := pushEndpoints{h, push, appid}
		table[c.Prefix+"/push/"+appid] = []endpoint{
			{method: http.MethodGet, serve: p.verifyURL},
			{method: http.MethodPost, serve: p.receive, maxBody: wechat.MaxPush},
		}
	}
	return table
}

// sessionEndpoints returns the endpoints that mini programs call, by path without the
// prefix.
func (h *Handler) sessionEndpoints() map[string][]endpoint {
	return map[string][]endpoint{
		"/login":   {{method: http.MethodPost, serve: h.login}},
		"/refresh": {{method: http.MethodPost, serve: h.refresh}},
		"/logout":  {{method: http.MethodPost, serve: h.logout, allowCookie: true}},
		"/session": {{method: http.MethodGet, serve: h.getSession, allowCookie: true}},
		"/phone":   {{method: http.MethodPost, serve: h.setPhone}},
		"/profile": {{method: http.MethodPut, serve: h.putProfile}, {method: http.MethodGet, serve: h.getProfile}},
		"/check":   {{method: http.MethodPost, serve: h.checkSession}},
	}
}

// webEndpoints returns the endpoints that open a web page's session, by path without the
// prefix.
func (h *Handler) webEndpoints() map[string][]endpoint {
	return map[string][]endpoint{
		"/ticket": {{method: http.MethodPost, serve: h.issueTicket}},
		"/enter":  {{method: http.MethodGet, serve: h.enter}, {method: http.MethodPost, serve: h.confirmEnter}},
	}
}

// allows reports whether the endpoint serves the method. HEAD is served wherever GET
// is safe (RFC 9110, section 9.3.2).
func (e endpoint) allows(method string) bool {
	return e.method == method || method == http.MethodHead && e.allowsHead()
}

func (e endpoint) allowsHead() bool { return e.method == http.MethodGet && !e.noHead }

// allowedMethods returns the Allow header of a path.
func allowedMethods(endpoints []endpoint) string {
	var methods []string
	for _, e := range endpoints {
		methods = append(methods, e.method)
		if e.allowsHead() {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}
