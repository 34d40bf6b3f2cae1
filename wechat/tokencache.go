package wechat

import (
	"sync"
	"time"
	"wxgate/secret"

	"golang.org/x/sync/singleflight"
)

// token is an access token and its expiry.
type token struct {
	value   secret.Text
	expires time.Time
}

// usable reports whether the token is valid for tokenMinRemaining at least.
func (t token) usable(now time.Time) bool {
	return t.value != "" && now.Add(tokenMinRemaining).Before(t.expires)
}

// tokenCache is this process's cache of an app's access token.
type tokenCache struct {
	mu      sync.Mutex
	token   token
	loaded  time.Time // when token was last read from the store or written to it
	refresh time.Time // when the last background refresh began
	checked time.Time // when WeChat last said which token is current
	fetches singleflight.Group
	checks  singleflight.Group
}

func (c *tokenCache) get() (t token, loaded time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.token, c.loaded
}

func (c *tokenCache) set(t token, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token, c.loaded = t, now
}

// extend restarts the TTL of the cached token, and returns it.
func (c *tokenCache) extend(now time.Time) token {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loaded = now
	return c.token
}

func (c *tokenCache) lastCheck() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.checked
}

func (c *tokenCache) setLastCheck(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.checked = now
}

// claimBackgroundRefresh reports whether the token must be refreshed now. It is true for
// one caller in refreshRetryInterval.
func (c *tokenCache) claimBackgroundRefresh(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token.expires.Sub(now) > refreshBefore || now.Sub(c.refresh) < refreshRetryInterval {
		return false
	}
	c.refresh = now
	return true
}
