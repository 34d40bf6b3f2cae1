// Package endpoint serves the gateway's own endpoints under auth_prefix:
// login, refresh, logout, session, phone, profile and check, with the login
// hook, WeChat's message push and pre-fetch, and the public keys of the identity assertion.
//
// It is handed requests that package proxy has admitted: their target and host
// are valid, their body is bounded in size and time.
package endpoint

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/internal/httprule"
	"wxgate/proxy/ratelimit"
	"wxgate/secret"
	"wxgate/session"
	"wxgate/wechat"
)

// maxBody bounds what a client may send to the gateway's own endpoints, in bytes.
const maxBody = 64 << 10

// Options are the dependencies of a Handler, for its whole life. All are required.
type Options struct {
	Sessions *session.Store
	WeChat   *wechat.Client
	Logins   *prometheus.CounterVec // by appid and outcome
	Pushes   *prometheus.CounterVec // likewise
	Log      *zap.Logger
	Now      func() time.Time

	Prefetches *prometheus.CounterVec // by appid and outcome
}

// Config is what a reload may change.
type Config struct {
	Prefix     string          // where the endpoints live, e.g. /auth
	Apps       []string        // appids that may log in
	LoginPerIP session.Rate    // zero: no limit
	PerUser    session.Rate    // for all endpoints that ask for a token; zero: no limit
	Hook       Hook            // zero: none
	Pushes     map[string]Push // by appid
	Web        Web             // zero: no web pages

	Prefetches map[string]secret.Text // the key in the address of WeChat's pre-fetch, by appid; none: off
}

// Request is one call, as package proxy has read it. Its ResponseWriter adds
// what every answer carries.
type Request struct {
	http.ResponseWriter
	HTTP       *http.Request
	ID         string
	Client     netip.Addr // trusted proxies looked through
	ClientText string

	// Authenticate gives the session of the request's token, or with cookie that
	// of a web page's cookie where there is no token, or the error to
	// answer with. With renew the answer brings a fresh token where the old one
	// nears its end.
	Authenticate func(renew, cookie bool) (session.AuthResult, error)

	SameOrigin    func() bool             // the request was made by a page of ours, or by a person
	WebSession    func() *session.Session // the live session of the browser; nil: there is none
	SetCookie     func(line string)       // puts a Set-Cookie line on the answer
	AcceptsCookie func(path string) bool  // a route that takes cookies serves the path

	// Set while the call is served, for the access log.
	Name string             // the endpoint's path; "" where there is none
	Auth session.AuthResult // whose call it is

	config *Config // of the time when the call began
	cookie bool    // the endpoint is served to a web page by its cookie too
}

// Handler serves the endpoints.
type Handler struct {
	Options
	current atomic.Pointer[compiled]
}

// compiled is one configuration, with the table of its endpoints.
type compiled struct {
	Config
	endpoints map[string][]endpoint // by path
}

// endpoint is one call. Its error becomes the answer.
type endpoint struct {
	method  string
	serve   func(*Request) error
	maxBody int64 // bytes; 0: maxBody
	cookie  bool  // served to a web page by its cookie too
	noHead  bool  // a HEAD would do what the GET does
}

// New makes a handler that serves the config.
func New(o Options, c Config) *Handler {
	h := &Handler{Options: o}
	h.Configure(c)
	return h
}

// Configure puts another config in force for the calls to come.
func (h *Handler) Configure(c Config) {
	table := map[string][]endpoint{httprule.JWKSPath: {{method: http.MethodGet, serve: h.serveJWKS}}}
	for _, e := range []struct {
		method, path string
		serve        func(*Request) error
		cookie       bool
	}{
		{http.MethodPost, "/login", h.login, false},
		{http.MethodPost, "/refresh", h.refresh, false},
		{http.MethodPost, "/logout", h.logout, true},
		{http.MethodGet, "/session", h.getSession, true},
		{http.MethodPost, "/phone", h.setPhone, false},
		{http.MethodPut, "/profile", h.putProfile, false},
		{http.MethodGet, "/profile", h.getProfile, false},
		{http.MethodPost, "/check", h.check, false},
	} {
		path := c.Prefix + e.path
		table[path] = append(table[path], endpoint{method: e.method, serve: e.serve, cookie: e.cookie})
	}
	if c.Web.on() {
		h.webEndpoints(c.Prefix, table)
	}
	for appid, push := range c.Pushes {
		p := pushEndpoints{h, push, appid}
		table[c.Prefix+"/push/"+appid] = []endpoint{
			{method: http.MethodGet, serve: p.verifyURL},
			{method: http.MethodPost, serve: p.receive, maxBody: wechat.MaxPush},
		}
	}
	h.current.Store(&compiled{c, table})
}

// Owns reports whether the gateway answers at the path itself.
func (h *Handler) Owns(path string) bool {
	return httprule.PathWithin(path, h.current.Load().Prefix) || path == httprule.JWKSPath
}

// MaxBody bounds what may be sent to the path, in bytes.
func (h *Handler) MaxBody(path string) int64 {
	most := int64(maxBody)
	for _, e := range h.current.Load().endpoints[path] {
		most = max(most, e.maxBody)
	}
	return most
}

// Methods are those of all endpoints, for CORS.
const Methods = "GET, POST, PUT"

// Serve answers a call, or gives the error to answer with.
func (h *Handler) Serve(r *Request) error {
	c := h.current.Load()
	r.config = &c.Config
	path := r.HTTP.URL.Path
	endpoints := c.endpoints[path]
	if e, ok := h.prefetchEndpoint(c, path); ok {
		endpoints = []endpoint{e}
	}
	if len(endpoints) == 0 {
		return apierror.New(apierror.NoRoute, "the gateway has no such call")
	}
	for _, e := range endpoints {
		if e.takes(r.HTTP.Method) {
			r.Name, r.cookie = strings.TrimPrefix(path, "/"), e.cookie
			return e.serve(r)
		}
	}
	refusal := apierror.New(apierror.MethodNotAllowed, "this method is not served here")
	refusal.Allow = allowed(endpoints)
	return refusal
}

// takes: HEAD is taken wherever GET is safe (RFC 9110, section 9.3.2).
func (e endpoint) takes(method string) bool {
	return e.method == method || method == http.MethodHead && e.allowsHead()
}

func (e endpoint) allowsHead() bool { return e.method == http.MethodGet && !e.noHead }

func allowed(endpoints []endpoint) string {
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

// caller identifies who calls, and counts the call against the user's limit:
// WeChat's quota and the circuit to it are shared by all users.
func (h *Handler) caller(r *Request) (*session.Session, error) { return h.authenticate(r, false) }

// renewingCaller is caller for calls whose answer may bring a fresh token.
func (h *Handler) renewingCaller(r *Request) (*session.Session, error) {
	return h.authenticate(r, true)
}

func (h *Handler) authenticate(r *Request, renew bool) (*session.Session, error) {
	auth, err := r.Authenticate(renew, r.cookie)
	if err != nil {
		return nil, err
	}
	r.Auth = auth
	key := "auth:" + ratelimit.User(&auth.Session)
	return &auth.Session, ratelimit.Allow(r.HTTP.Context(), h.Sessions, key, r.config.PerUser)
}

// callerProfile is renewingCaller with what is kept of the user.
func (h *Handler) callerProfile(r *Request) (*session.Session, session.User, error) {
	s, err := h.renewingCaller(r)
	if err != nil {
		return nil, session.User{}, err
	}
	user, err := h.Sessions.Profile(r.HTTP.Context(), s)
	return s, user, err
}
