package wechat

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Config is the part of the configuration that a reload can change.
type Config struct {
	Base    string        // URL of the WeChat API, http or https, with an optional path prefix; "": DefaultBase
	Timeout time.Duration // of a whole call including waiting for a slot and retries; 0: 5s. Relay documents its own limits
	Apps    []App
}

// DefaultBase is the address of the WeChat API.
const DefaultBase = "https://api.weixin.qq.com"

// Validate returns the error that Configure would return.
func (c Config) Validate() error {
	_, err := parseBase(c.Base)
	for _, a := range c.Apps {
		if _, keyErr := newAPISecurity(a.ID, a.Security); keyErr != nil && err == nil {
			err = fmt.Errorf("%w (app %s)", keyErr, a.ID)
		}
	}
	return err
}

// Configure replaces the configuration; on an error the previous one stays. An app
// whose secret is unchanged keeps its cached access token and its circuit breakers.
// Errors: Base is not a valid URL, or api_security has invalid keys.
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
		c.metrics.deleteRemovedApps(old.apps, next.apps)
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
		if previous := old.app(a.ID); previous != nil && previous.Secret.Equal(a.Secret.Reveal()) {
			next.breakers, next.token = previous.breakers, previous.token
		} else {
			next.breakers, next.token = c.newBreakers(a.ID), &tokenCache{}
		}
		apps[a.ID] = next
	}
	return apps, nil
}

// closeUnlessShared closes the idle connections, unless next uses the same transport.
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
