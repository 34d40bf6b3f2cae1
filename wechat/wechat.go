// Package wechat is the WeChat server API as a mini program's backend needs
// it: logging in, phone numbers, open data, signatures, the access token and a
// relay for every other call. AppSecrets, session keys and access tokens are
// used here and shown nowhere: not in errors, not in logs, not in metrics.
package wechat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/prometheus/client_golang/prometheus"

	"wxgate/secret"
)

// App is one mini program as its operator knows it.
type App struct {
	ID       string       // wx…
	Secret   secret.Text  // AppSecret
	Security *APISecurity // nil: all calls go in the plain
}

// Options is what a Client is built on for its whole life. The zero value is
// ready for use.
type Options struct {
	MaxInFlight int                   // concurrent calls, for each of logins, API calls, token calls and relays; 0: 256
	OpenFor     time.Duration         // how long an open circuit breaker refuses an app's calls; 0: 3s
	Tokens      TokenStore            // nil: access tokens are kept in this process alone
	Now         func() time.Time      // nil: time.Now
	Log         *zap.Logger           // nil: nothing is logged
	Registry    prometheus.Registerer // nil: metrics are not registered
}

// Config is what a reload may change.
type Config struct {
	Base    string        // "": https://api.weixin.qq.com; http or https; its path prefixes every call
	Timeout time.Duration // of a whole call, queueing and retry included; 0: 5s. A relay has other limits, see Relay
	Apps    []App
}

// DefaultBase is where WeChat answers mini program backends.
const DefaultBase = "https://api.weixin.qq.com"

const (
	defaultTimeout     = 5 * time.Second
	defaultMaxInFlight = 256
	defaultOpenFor     = 3 * time.Second
)

// Client calls WeChat for a set of apps. It is safe for concurrent use.
type Client struct {
	openFor     time.Duration
	now         func() time.Time
	log         *zap.Logger
	tokens      TokenStore
	noKeepAlive *http.Transport // a connection for each request
	slots       slots
	userCalls   *userCalls
	metrics     *metrics
	current     atomic.Pointer[state]
}

// state is the configuration in force, compiled. A request keeps the one that it
// began with.
type state struct {
	base    *url.URL
	timeout time.Duration
	apps    map[string]*app
	pooled  *http.Transport // keeps connections
}

// app is a configured App with its circuit breakers and access token.
type app struct {
	App
	breakers breakers
	token    *tokenCache
	security *apiSecurity // nil: none
}

// New builds a client with the config in force. Error: as Configure.
func New(o Options, config Config) (*Client, error) {
	o = o.withDefaults()
	c := &Client{
		openFor:     o.OpenFor,
		now:         o.Now,
		log:         o.Log,
		tokens:      o.Tokens,
		noKeepAlive: newNoKeepAliveTransport(),
		slots:       newSlots(o.MaxInFlight),
		userCalls:   newUserCalls(o.MaxInFlight),
		metrics:     newMetrics(o.Registry),
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
		o.Tokens = newMemoryTokens(o.Now)
	}
	return o
}

// Validate tells what Configure would refuse.
func (c Config) Validate() error {
	_, err := parseBase(c.Base)
	for _, a := range c.Apps {
		if _, keyErr := newAPISecurity(a.ID, a.Security); keyErr != nil && err == nil {
			err = fmt.Errorf("%w (app %s)", keyErr, a.ID)
		}
	}
	return err
}

// Configure puts another config in force for the calls to come, whole or not at
// all. The state of an app (its access token, its circuit breakers) is kept unless
// its secret changed. Error: a Base that is no URL of the kind asked for, keys of
// api_security that can't be used.
func (c *Client) Configure(config Config) error {
	base, err := parseBase(config.Base)
	if err != nil {
		return err
	}
	timeout := config.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	old := c.current.Load()
	apps, err := c.buildApps(old, config.Apps)
	if err != nil {
		return err
	}
	next := &state{base: base, timeout: timeout, apps: apps}
	if old != nil && old.timeout == timeout {
		next.pooled = old.pooled
	} else {
		next.pooled = newPooledTransport(timeout)
	}
	c.current.Store(next)
	if old != nil {
		c.metrics.forget(old.apps, next.apps)
		old.closeUnlessShared(next)
	}
	return nil
}

func (c *Client) buildApps(old *state, list []App) (map[string]*app, error) {
	apps := make(map[string]*app, len(list))
	for _, a := range list {
		security, err := newAPISecurity(a.ID, a.Security)
		if err != nil {
			return nil, fmt.Errorf("%w (app %s)", err, a.ID)
		}
		next := &app{App: a, security: security}
		if kept := old.app(a.ID); kept != nil && kept.Secret.Equal(a.Secret.Reveal()) {
			next.breakers, next.token = kept.breakers, kept.token
		} else {
			next.breakers, next.token = c.newBreakers(a.ID), &tokenCache{}
		}
		apps[a.ID] = next
	}
	return apps, nil
}

func (s *state) app(id string) *app {
	if s == nil {
		return nil
	}
	return s.apps[id]
}

func (s *state) closeUnlessShared(next *state) {
	if s.pooled != next.pooled {
		s.pooled.CloseIdleConnections()
	}
}

func parseBase(base string) (*url.URL, error) {
	if base == "" {
		base = DefaultBase
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, errors.New("wechat: api base is not a URL")
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, errors.New("wechat: api base must be http://… or https://…")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("wechat: api base must have no user, query or fragment")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	return u, nil
}

// Close closes idle connections. Calls in flight finish.
func (c *Client) Close() { c.current.Load().pooled.CloseIdleConnections() }

func (c *Client) app(appid string) (*app, error) {
	a := c.current.Load().app(appid)
	if a == nil {
		return nil, fmt.Errorf("%w: %.64q", ErrUnknownApp, appid)
	}
	return a, nil
}

// withTimeout bounds a whole call by the configured timeout.
func (c *Client) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, c.current.Load().timeout, errTimeout)
}

// errTimeout is the cause of a context that the client's own timeout ended, to
// tell it from one that its caller ended.
var errTimeout = errors.New("no answer in time")

// callerError gives the context's error when its caller ended it, nil otherwise.
func callerError(ctx context.Context) error {
	if context.Cause(ctx) == errTimeout {
		return nil
	}
	return ctx.Err()
}
