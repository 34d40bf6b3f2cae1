package admin

import (
	"context"
	"net/http"
	"time"
)

// Gateway provides the state of the gateway that the private listener shows.
// Its functions must be safe for concurrent use.
type Gateway struct {
	Build   Build
	Started time.Time
	Store   string // where sessions are stored, such as "Redis at 10.0.0.1:6379"

	Routes    func() []Route // in the order in which they are matched
	Upstreams func() []UpstreamGroup
	Explain   func(context.Context, *http.Request) Explanation
	Config    func() (yaml []byte, err error) // the effective configuration, secrets redacted
}

// Build identifies the build of this program.
type Build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

// Route is one route of the current configuration.
type Route struct {
	Name         string        `json:"name"`
	Path         string        `json:"path"`
	Host         string        `json:"host,omitempty"`    // none: any
	Methods      []string      `json:"methods,omitempty"` // none: httprule.DefaultMethods
	Auth         string        `json:"auth"`
	Credentials  []string      `json:"credentials"`
	Roles        []string      `json:"roles,omitempty"` // one of them is required
	RequirePhone bool          `json:"require_phone,omitempty"`
	Proof        string        `json:"proof"`
	RateLimit    string        `json:"rate_limit,omitempty"`
	Timeout      string        `json:"timeout"`
	WebSocket    bool          `json:"websocket"`
	StripPrefix  string        `json:"strip_prefix,omitempty"`
	AddPrefix    string        `json:"add_prefix,omitempty"`
	Upstreams    []RouteTarget `json:"upstreams"`
}

// RouteTarget is a backend as configured.
type RouteTarget struct {
	URL    string `json:"url"`
	Weight int    `json:"weight"`
}

// UpstreamGroup is the state of the backends of one route.
type UpstreamGroup struct {
	Route   string   `json:"route"`
	Balance string   `json:"balance"`
	Targets []Target `json:"targets"`
}

// Target is the state of one address of a backend.
type Target struct {
	URL      string `json:"url"`
	Address  string `json:"address"` // the host:port that is dialled
	Health   string `json:"health"`  // healthy, unhealthy (active checks), ejected or half_open
	Weight   int    `json:"weight"`
	InFlight int    `json:"in_flight"` // requests and streams

	EjectedUntil  time.Time `json:"ejected_until,omitzero"` // of ejected and half_open
	LastFailure   string    `json:"last_failure,omitempty"` // of a request or a check
	LastFailureAt time.Time `json:"last_failure_at,omitzero"`
}

// Explanation is the outcome that a request would have.
type Explanation struct {
	Method  string              `json:"method"`
	URI     string              `json:"uri"`
	Host    string              `json:"host"`
	Steps   []Step              `json:"steps"`             // up to the one that refuses the request
	Own     bool                `json:"own"`               // an endpoint of the gateway's own
	Route   *Route              `json:"route,omitempty"`   // none: no route matches, or Own
	Target  string              `json:"target,omitempty"`  // path and query that the backend would receive
	Session *TokenOwner         `json:"session,omitempty"` // of the request's token
	Headers map[string][]string `json:"headers,omitempty"` // the identity headers that the backend would receive
	Refusal *Refusal            `json:"refusal,omitempty"` // none: the request would be forwarded
}

// Step is one step of the processing of a request.
type Step struct {
	Name    string `json:"name"`
	Outcome string `json:"outcome"` // passed, refused, or skipped: it would respond, call the backend or count against a limit
}

// TokenOwner is the session that a token belongs to.
type TokenOwner struct {
	AppID     string    `json:"appid"`
	OpenID    string    `json:"openid"`
	SID       string    `json:"sid"`
	ExpiresAt time.Time `json:"expires_at"` // of the token
}

// Refusal is the error response that a request would get.
type Refusal struct {
	Status  int    `json:"status"`
	Error   string `json:"error"`
	Message string `json:"message"`
}
