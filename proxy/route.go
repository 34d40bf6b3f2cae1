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

// Auth says what a route asks of the request's token.
type Auth string

const (
	AuthRequired Auth = "required" // no token: 401
	AuthOptional Auth = "optional" // identity if a token is there; a bad one is still 401
	AuthNone     Auth = "none"     // tokens are not looked at, no identity is sent
)

// Cookies says what happens to a backend's cookies.
type Cookies string

const (
	CookiesPass Cookies = "pass" // both ways, untouched
	CookiesJar  Cookies = "jar"  // kept per session, never shown to the client
	CookiesDrop Cookies = "drop" // neither way
)

// Route is one rule of the table: which requests it takes, what it asks for
// and where they go. It is not changed once the table is built.
type Route struct {
	Name    string
	Host    string   // exact, or *.example.com; "": any
	Path    string   // a segment prefix: /api/ takes /api and everything below
	Methods []string // none: the usual ones

	Auth         Auth
	Roles        []string // any one of them opens the route; none: no role is asked for
	RequirePhone bool
	RateLimit    session.Rate // zero: none
	MaxBody      int64        // bytes; 0: no limit

	Upstream     *upstream.Group // chooses the host: the URL it is given has none
	BackendURLs  []*url.URL      // the addresses of the upstreams
	Backend      string          // names the upstreams: routes to the same ones share a cookie jar
	Timeout      time.Duration   // until the response's header; also for a request that outlives its session
	StripPrefix  string
	AddPrefix    string
	PreserveHost bool
	HashByOpenID bool // the upstream's balance is hash_openid
	WebSocket    bool
	Cookies      Cookies
	Override     bool // POST with X-HTTP-Method-Override
	Proof        ProofMode
	AcceptCookie bool // a web page's cookie stands in for a token
	CORSOrigins  []string

	// UnsignedUploads lets a multipart/form-data body go unsigned where the
	// route wants proofs: wx.uploadFile writes it, and the client can't see it.
	UnsignedUploads bool

	// RewriteRedirects brings a Location that points at the backend, and the
	// Path of its cookies, back to the public address.
	RewriteRedirects bool

	RequestSet     map[string]string // canonical names
	RequestRemove  []string
	ResponseSet    map[string]string
	ResponseRemove []string

	allow   string // the Allow header's value
	metrics *routeMetrics
}

// BackendHost is the host that the backend takes itself for, without a port.
func (rt *Route) BackendHost() string {
	if len(rt.BackendURLs) == 0 {
		return ""
	}
	return strings.ToLower(rt.BackendURLs[0].Hostname())
}

// Takes reports whether the route takes the method. HEAD is taken wherever
// GET is, as HTTP has it.
func (rt *Route) Takes(method string) bool {
	methods := rt.methods()
	return slices.Contains(methods, method) || method == http.MethodHead && slices.Contains(methods, http.MethodGet)
}

func (rt *Route) methods() []string {
	if len(rt.Methods) == 0 {
		return httprule.DefaultMethods()
	}
	return rt.Methods
}

// needsUser reports whether a token is looked at.
func (rt *Route) needsUser() bool { return rt.Auth != AuthNone }
