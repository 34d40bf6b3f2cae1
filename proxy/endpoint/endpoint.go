// Package endpoint serves the gateway's own endpoints: login, refresh, logout,
// session, phone, profile and check, the login hook, tickets for web pages, WeChat's
// message push and pre-fetch, and the public keys of the identity assertion.
//
// Package proxy has validated its requests: their target and host are valid, and their
// body is limited in size and time.
package endpoint

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/internal/httprule"
	"wxgate/secret"
	"wxgate/session"
	"wxgate/wechat"
)

// maxBody limits the body of a request to most endpoints, in bytes.
const maxBody = 64 << 10

// Options are the dependencies of a Handler, which no reload changes. All are required.
type Options struct {
	Sessions *session.Store
	WeChat   *wechat.Client
	Log      *zap.Logger
	Now      func() time.Time

	Logins, Pushes, Prefetches *prometheus.CounterVec // by appid and outcome
}

// Config is what a reload may change.
type Config struct {
	Prefix     string       // of the endpoints' paths, e.g. /auth
	Apps       []string     // the appids whose users may log in
	LoginPerIP session.Rate // zero: no limit
	PerUser    session.Rate // for all endpoints that need a token; zero: no limit
	Hook       Hook         // zero: none
	Web        Web          // zero: no sessions for web pages

	Pushes     map[string]Push        // by appid
	Prefetches map[string]secret.Text // by appid: the key in the path of WeChat's pre-fetch; absent: off
}

// Handler serves the endpoints.
type Handler struct {
	Options
	current atomic.Pointer[compiledConfig]
}

// compiledConfig is a Config with the table of its endpoints.
type compiledConfig struct {
	Config
	endpoints map[string][]endpoint // by path
}

// New makes a handler with the config.
func New(o Options, c Config) *Handler {
	h := &Handler{Options: o}
	h.Configure(c)
	return h
}

// Configure replaces the configuration for new requests. Requests in flight keep the one
// that they started with.
func (h *Handler) Configure(c Config) { h.current.Store(&compiledConfig{c, h.table(&c)}) }

// Owns reports whether requests to the path are served here and never by a route, even if
// there is no endpoint at the path.
func (h *Handler) Owns(path string) bool {
	return httprule.PathWithin(path, h.current.Load().Prefix) || path == httprule.JWKSPath
}

// MaxBody returns the limit on a request's body at the path, in bytes.
func (h *Handler) MaxBody(path string) int64 {
	limit := int64(maxBody)
	for _, e := range h.current.Load().endpoints[path] {
		limit = max(limit, e.maxBody)
	}
	return limit
}

// Methods lists the methods of all endpoints, for CORS.
const Methods = "GET, POST, PUT"

// Serve writes the response to r, or returns the error to respond with.
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
		if e.allows(r.HTTP.Method) {
			r.Name, r.allowCookie = strings.TrimPrefix(path, "/"), e.allowCookie
			return e.serve(r)
		}
	}
	refusal := apierror.New(apierror.MethodNotAllowed, "this method is not served here")
	refusal.Allow = allowedMethods(endpoints)
	return refusal
}
