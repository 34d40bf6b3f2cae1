// Package wechat is a client of the WeChat server API for mini programs: login,
// phone numbers, open data, signatures, the access token, message push, and a relay
// for all other calls. Errors, logs and metrics never contain an AppSecret, a session
// key or an access token.
package wechat

import (
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"wxgate/secret"
)

// App is the configuration of one mini program.
type App struct {
	ID       string       // wx…
	Secret   secret.Text  // AppSecret
	Security *APISecurity // nil: no call is signed and encrypted
}

// Options are fixed for the lifetime of a Client; Config can be reloaded. The zero
// value is ready for use.
type Options struct {
	MaxInFlight int                   // concurrent calls of each bulkhead (logins, API calls, token calls, relays); 0: 256
	OpenFor     time.Duration         // how long a circuit breaker stays open; 0: 3s
	Tokens      TokenStore            // nil: access tokens are kept in the memory of this process
	Now         func() time.Time      // nil: time.Now
	Log         *zap.Logger           // nil: nothing is logged
	Registry    prometheus.Registerer // nil: metrics are not registered
}

const (
	defaultTimeout     = 5 * time.Second
	defaultMaxInFlight = 256
	defaultOpenFor     = 3 * time.Second
)

// Client calls WeChat for a set of apps. It is safe for concurrent use.
type Client struct {
	openFor   time.Duration
	now       func() time.Time
	log       *zap.Logger
	tokens    TokenStore
	singleUse *http.Transport // for calls that must not be sent twice
	slots     slots
	userCalls *userCalls
	metrics   *metrics
	current   atomic.Pointer[state]
}

// state is the current configuration, parsed.
type state struct {
	base    *url.URL
	timeout time.Duration
	apps    map[string]*app
	pooled  *http.Transport // with keep-alive
}

// app is a configured App with its circuit breakers and the cache of its access token.
type app struct {
	App
	breakers breakers
	token    *tokenCache
	security *apiSecurity // nil: no call is signed and encrypted
}

// New returns a client with this configuration. Errors: as Configure.
func New(o Options, config Config) (*Client, error) {
	o = o.withDefaults()
	c := &Client{
		openFor:   o.OpenFor,
		now:       o.Now,
		log:       o.Log,
		tokens:    o.Tokens,
		singleUse: newSingleUseTransport(),
		slots:     newSlots(o.MaxInFlight),
		userCalls: newUserCalls(o.MaxInFlight),
		metrics:   newMetrics(o.Registry),
	}
	if err := c.Configure(config); err != nil {
		return nil, err
	}
	return c, nil
}

func (o Options) withDefaults() Options {
	if o.MaxInFlight <= 0 {
		o.MaxInFlight = defaultMaxInFlight
	}
	if o.OpenFor <= 0 {
		o.OpenFor = defaultOpenFor
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	if o.Tokens == nil {
		o.Tokens = newMemoryTokenStore(o.Now)
	}
	return o
}

func (s *state) app(id string) *app {
	if s == nil {
		return nil
	}
	return s.apps[id]
}

// Close closes idle connections. Calls in flight finish.
func (c *Client) Close() {
	c.singleUse.CloseIdleConnections()
	c.current.Load().pooled.CloseIdleConnections()
}

func (c *Client) app(appid string) (*app, error) {
	a := c.current.Load().app(appid)
	if a == nil {
		return nil, fmt.Errorf("%w: %.64q", ErrUnknownApp, appid)
	}
	return a, nil
}
