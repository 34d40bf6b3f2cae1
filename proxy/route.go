package proxy

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"wxgate/internal/httprule"
	"wxgate/proxy/upstream"
	"wxgate/session"
)

// Auth says whether a route requires a token.
type Auth string

const (
	AuthRequired Auth = "required" // no token: 401
	AuthOptional Auth = "optional" // no token: an anonymous request; an invalid token: 401
	AuthNone     Auth = "none"     // tokens are ignored, no identity is sent
)

// Cookies says how a route treats the backend's cookies.
type Cookies string

const (
	CookiesPass Cookies = "pass" // forwarded unchanged both ways
	CookiesJar  Cookies = "jar"  // stored per session in the gateway, not sent to the client
	CookiesDrop Cookies = "drop" // removed both ways
)

// Route is one route of the configuration: which requests match it, what it requires,
// and where it forwards them. It must not be changed after NewRouteTable.
type Route struct {
	Name    string
	Host    string   // exact, or *.example.com; "": any
	Path    string   // a prefix of whole segments: /api/ matches /api and everything below it
	Methods []string // empty: httprule.Methods

	Auth         Auth
	Roles        []string // the user needs one of them; empty: no role is required
	RequirePhone bool
	RateLimit    session.Rate // zero: no limit
	MaxBody      int64        // bytes; 0: no limit

	Upstream       *upstream.Group // chooses the host of the outbound URL
	BackendURLs    []*url.URL      // the addresses of the upstreams, for Location and cookie domains
	CookieJarID    string          // identifies the upstreams: routes to the same ones share a cookie jar
	Timeout        time.Duration   // until the response's header; also the time for a request to finish after its session has ended
	StripPrefix    string
	AddPrefix      string
	PreserveHost   bool
	HashByOpenID   bool // the balance of Upstream is hash_openid
	WebSocket      bool
	Cookies        Cookies
	MethodOverride bool // POST may carry X-HTTP-Method-Override
	Proof          ProofMode
	AcceptCookie   bool // accepts a web page's cookie in place of a token
	CORSOrigins    []string

	// UnsignedUploads accepts a proof without a body hash for multipart/form-data:
	// wx.uploadFile writes that body itself, so that the client can't hash it.
	UnsignedUploads bool

	// RewriteRedirects rewrites a Location that points at the backend, and the Path of
	// its cookies, to the public address.
	RewriteRedirects bool

	RequestSet     map[string]string // canonical names
	RequestRemove  []string
	ResponseSet    map[string]string
	ResponseRemove []string

	allow   string // the Allow header's value
	metrics *routeMetrics
}

// BackendHost is the host name of the first upstream, in lower case, without a port; ""
// if there is none.
func (rt *Route) BackendHost() string {
	if len(rt.BackendURLs) == 0 {
		return ""
	}
	return strings.ToLower(rt.BackendURLs[0].Hostname())
}

// AcceptsMethod reports whether the route accepts the method. A route that accepts GET
// accepts HEAD too (RFC 9110, section 9.3.2).
func (rt *Route) AcceptsMethod(method string) bool {
	methods := rt.methods()
	return slices.Contains(methods, method) || method == http.MethodHead && slices.Contains(methods, http.MethodGet)
}

func (rt *Route) methods() []string {
	if len(rt.Methods) == 0 {
		return httprule.DefaultMethods()
	}
	return rt.Methods
}

// authenticates reports whether the route reads tokens.
func (rt *Route) authenticates() bool { return rt.Auth != AuthNone }
