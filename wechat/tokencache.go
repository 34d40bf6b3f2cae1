package wechat

import (
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"wxgate/secret"
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
	mu          sync.Mutex
	token       token
	loadedAt    time.Time // when token was last read from the store or written to it
	refreshedAt time.Time // when the last background refresh began
	checkedAt   time.Time // when WeChat last said which token is current
	fetches     singleflight.Group
	checks      singleflight.Group
}

func (c *tokenCache) get() (t token, loadedAt time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.token, c.loadedAt
}

func (c *tokenCache) set(t token, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token, c.loadedAt = t, now
}

// keep returns the cached token, which is used for another tokenCacheTTL.
func (c *tokenCache) keep(now time.Time) token {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loadedAt = now
	return c.token
}

func (c *tokenCache) lastChecked() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.checkedAt
}

func (c *tokenCache) setCheckedAt(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.checkedAt = now
}

// claimBackgroundRefresh reports whether the token must be refreshed now. It is true for
// one caller in refreshRetryInterval.
func (c *tokenCache) claimBackgroundRefresh(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token.expires.Sub(now) > refreshBefore || now.Sub(c.refreshedAt) < refreshRetryInterval {
		return false
	}
	c.refreshedAt = now
	return true
}
