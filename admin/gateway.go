package admin

import (
	"context"
	"net/http"
	"time"
)

// Gateway is what this listener shows of the gateway that it belongs to. Each
// function may be called at any time and by many at once.
type Gateway struct {
	Build   Build
	Started time.Time
	Store   string // where sessions are kept, in words

	Routes    func() []Route // in the order in which they are tried
	Upstreams func() []UpstreamGroup
	Explain   func(context.Context, *http.Request) Explanation
	Config    func() (yaml []byte, err error) // the effective configuration, secrets hidden
}

// Build says what this program was made of.
type Build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

// Route is one route of the configuration in force.
type Route struct {
	Name         string        `json:"name"`
	Path         string        `json:"path"`
	Host         string        `json:"host,omitempty"`    // none: any
	Methods      []string      `json:"methods,omitempty"` // none: the usual ones
	Auth         string        `json:"auth"`
	Credentials  []string      `json:"credentials"`
	Roles        []string      `json:"roles,omitempty"` // one of them is asked for
	RequirePhone bool          `json:"require_phone,omitempty"`
	Proof        string        `json:"proof"`
	RateLimit    string        `json:"rate_limit,omitempty"`
	Timeout      string        `json:"timeout"`
	WebSocket    bool          `json:"websocket"`
	StripPrefix  string        `json:"strip_prefix,omitempty"`
	AddPrefix    string        `json:"add_prefix,omitempty"`
	Upstreams    []RouteTarget `json:"upstreams"`
}

// RouteTarget is a backend as the configuration names it.
type RouteTarget struct {
	URL    string `json:"url"`
	Weight int    `json:"weight"`
}

// UpstreamGroup is the backends of one route.
type UpstreamGroup struct {
	Route   string   `json:"route"`
	Balance string   `json:"balance"`
	Targets []Target `json:"targets"`
}

// Target is one address of a backend.
type Target struct {
	URL      string `json:"url"`
	Address  string `json:"address"` // host:port that is dialled
	Health   string `json:"health"`  // healthy, unhealthy (active checks), ejected or half_open
	Weight   int    `json:"weight"`
	InFlight int    `json:"in_flight"` // requests and streams

	EjectedUntil  time.Time `json:"ejected_until,omitzero"` // of ejected and half_open
	LastFailure   string    `json:"last_failure,omitempty"` // of a request or a check
	LastFailureAt time.Time `json:"last_failure_at,omitzero"`
}

// Explanation says what would become of a request.
type Explanation struct {
	Method  string              `json:"method"`
	URI     string              `json:"uri"`
	Host    string              `json:"host"`
	Steps   []Step              `json:"steps"`           // as far as the request gets
	Own     bool                `json:"own"`             // the gateway answers itself
	Route   *Route              `json:"route,omitempty"` // none: nobody takes it, or the gateway itself
	Target  string              `json:"target,omitempty"`
	Session *TokenOwner         `json:"session,omitempty"` // whose token came with it
	Headers map[string][]string `json:"headers,omitempty"` // what the backend would be told of the caller
	Refusal *Refusal            `json:"refusal,omitempty"` // none: it is let through
}

// Step is one step of a request's way.
type Step struct {
	Name    string `json:"name"`
	Outcome string `json:"outcome"` // passed, refused, or skipped: it would answer, ask the backend or count against a limit
}

// TokenOwner is the session that a token belongs to.
type TokenOwner struct {
	AppID     string    `json:"appid"`
	OpenID    string    `json:"openid"`
	SID       string    `json:"sid"`
	ExpiresAt time.Time `json:"expires_at"` // the token's end
}

// Refusal is the error that a request would be answered with.
type Refusal struct {
	Status  int    `json:"status"`
	Error   string `json:"error"`
	Message string `json:"message"`
}
