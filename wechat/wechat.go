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
	ID     string      // wx…
	Secret secret.Text // AppSecret
}

// Options says how to reach WeChat. The zero value is ready for production.
type Options struct {
	Base        string                // "": https://api.weixin.qq.com; http or https, a path is put in front of every call
	Timeout     time.Duration         // of a whole call, its waiting and repeating included; 0: 5s. A relay has other limits, see Relay
	MaxInFlight int                   // calls under way at once, for each of logins, API calls, token calls and relays; 0: 256
	Pause       time.Duration         // how long an app's calls fail at once after WeChat was found away; 0: 3s
	Tokens      TokenStore            // nil: access tokens are kept in this process alone
	Now         func() time.Time      // nil: time.Now
	Log         *zap.Logger           // nil: nothing is logged
	Registry    prometheus.Registerer // nil: metrics are not registered
}

// DefaultBase is where WeChat answers mini program backends.
const DefaultBase = "https://api.weixin.qq.com"

const (
	defaultTimeout     = 5 * time.Second
	defaultMaxInFlight = 256
	defaultPause       = 3 * time.Second
)

// Client calls WeChat for a set of apps. It is safe for concurrent use.
type Client struct {
	base    *url.URL
	timeout time.Duration
	pause   time.Duration
	now     func() time.Time
	log     *zap.Logger
	tokens  TokenStore
	apps    atomic.Pointer[map[string]*app]
	fresh   *http.Transport // a connection for each request
	pooled  *http.Transport // connections are kept
	slots   slots
	metrics *metrics
}

// app is a configured App with what the client remembers of it.
type app struct {
	App
	breakers breakers
	token    tokenCache
}

// New checks the options and gives a client that knows no app yet.
func New(o Options) (*Client, error) {
	o = o.withDefaults()
	base, err := parseBase(o.Base)
	if err != nil {
		return nil, err
	}
	c := &Client{
		base:    base,
		timeout: o.Timeout,
		pause:   o.Pause,
		now:     o.Now,
		log:     o.Log,
		tokens:  o.Tokens,
		fresh:   newFreshTransport(),
		pooled:  newPooledTransport(o.Timeout),
		slots:   newSlots(o.MaxInFlight),
		metrics: newMetrics(o.Registry),
	}
	c.apps.Store(&map[string]*app{})
	return c, nil
}

func (o Options) withDefaults() Options {
	if o.Base == "" {
		o.Base = DefaultBase
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.MaxInFlight <= 0 {
		o.MaxInFlight = defaultMaxInFlight
	}
	if o.Pause <= 0 {
		o.Pause = defaultPause
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

func parseBase(base string) (*url.URL, error) {
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

// SetApps replaces the set of apps at once, also while calls run. What is known
// of an app (its token, whether WeChat was away) stays unless its secret changed.
func (c *Client) SetApps(list []App) {
	old := *c.apps.Load()
	apps := make(map[string]*app, len(list))
	for _, a := range list {
		if kept := old[a.ID]; kept != nil && kept.Secret.Equal(a.Secret.Reveal()) {
			apps[a.ID] = kept
			continue
		}
		apps[a.ID] = &app{App: a, breakers: c.newBreakers(a.ID)}
	}
	c.apps.Store(&apps)
	c.metrics.forget(old, apps)
}

// Close gives idle connections up. Calls under way go on.
func (c *Client) Close() { c.pooled.CloseIdleConnections() }

func (c *Client) app(appid string) (*app, error) {
	a := (*c.apps.Load())[appid]
	if a == nil {
		return nil, fmt.Errorf("%w: %.64q", ErrUnknownApp, appid)
	}
	return a, nil
}

// limit bounds a whole call by the client's Timeout.
func (c *Client) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, c.timeout, errTimeLimit)
}

// errTimeLimit is the cause of a context that the client's own limit ended, to
// tell it from one that its caller ended.
var errTimeLimit = errors.New("no answer in time")

// callerGone gives the context's error when its caller ended it, nil otherwise.
func callerGone(ctx context.Context) error {
	if context.Cause(ctx) == errTimeLimit {
		return nil
	}
	return ctx.Err()
}

// wait sleeps unless the context ends first, and says whether it slept.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
