// Package endpoint serves the gateway's own endpoints: login, refresh, logout,
// session, phone, profile and check, the login hook, tickets for web pages, WeChat's
// message push and pre-fetch, and the public keys of the identity assertion.
//
// Its requests have been admitted by package proxy: their target and host are
// valid, their body is bounded in size and time.
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

// maxBody bounds the body of a request to an endpoint, in bytes.
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
	Apps       []string     // appids that may log in
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
	active atomic.Pointer[activeConfig]
}

// activeConfig is a config with the table of its endpoints.
type activeConfig struct {
	Config
	endpoints map[string][]endpoint // by path
}

// New makes a handler with the config.
func New(o Options, c Config) *Handler {
	h := &Handler{Options: o}
	h.Configure(c)
	return h
}

// Configure replaces the config for the calls to come. Calls under way keep theirs.
func (h *Handler) Configure(c Config) { h.active.Store(&activeConfig{c, h.table(&c)}) }

// Owns reports whether the path is the gateway's own: no route gets its requests,
// whether there is an endpoint or not.
func (h *Handler) Owns(path string) bool {
	return httprule.PathWithin(path, h.active.Load().Prefix) || path == httprule.JWKSPath
}

// MaxBody returns the limit on a request's body at the path, in bytes.
func (h *Handler) MaxBody(path string) int64 {
	limit := int64(maxBody)
	for _, e := range h.active.Load().endpoints[path] {
		limit = max(limit, e.maxBody)
	}
	return limit
}

// Methods lists the methods of all endpoints, for CORS.
const Methods = "GET, POST, PUT"

// Serve writes the response to r, or returns the error to respond with.
func (h *Handler) Serve(r *Request) error {
	c := h.active.Load()
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
