package wechat

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"

	"wxgate/internal/sleep"
	"wxgate/secret"
)

// How access tokens are kept. WeChat's stable_token gives all callers the same token, a
// new one from five minutes before the end of the old, and accepts both for that time.
const (
	tokenCacheTTL        = time.Second           // how long a process uses its copy without asking the store
	refreshAheadOf       = 5 * time.Minute       // with less life left a new one is fetched, in the background
	refreshAheadInterval = 30 * time.Second      // between two such attempts
	tokenMinLife         = 5 * time.Second       // a token this near its end is not used
	tokenLockPoll        = 50 * time.Millisecond // while another instance fetches
)

// token is an access token and its end.
type token struct {
	value   secret.Text
	expires time.Time
}

func (t token) usable(now time.Time) bool {
	return t.value != "" && now.Add(tokenMinLife).Before(t.expires)
}

// tokenCache is what a process remembers of an app's access token.
type tokenCache struct {
	mu      sync.Mutex
	held    token
	loaded  time.Time // when held was last known to be the shared one
	ahead   time.Time // when a refresh ahead of the end was last begun
	checked time.Time // when WeChat was last asked which token is in force
	flights singleflight.Group
	checks  singleflight.Group
}

func (t *tokenCache) get() (held token, loaded time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.held, t.loaded
}

func (t *tokenCache) set(held token, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held, t.loaded = held, now
}

// keep lets the copy serve for another while, and gives it.
func (t *tokenCache) keep(now time.Time) token {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.loaded = now
	return t.held
}

func (t *tokenCache) lastChecked() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.checked
}

func (t *tokenCache) checkedAt(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.checked = now
}

// claimRefresh says whether it is time to fetch the next token, to one caller only.
func (t *tokenCache) claimRefresh(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held.expires.Sub(now) > refreshAheadOf || now.Sub(t.ahead) < refreshAheadInterval {
		return false
	}
	t.ahead = now
	return true
}

// AccessToken gives the app's access token, the one that all instances share, and
// when it ends. Errors: ErrUnknownApp, ErrMisconfigured, ErrUnavailable.
func (c *Client) AccessToken(ctx context.Context, appid string) (value secret.Text, expires time.Time, err error) {
	a, err := c.app(appid)
	if err != nil {
		return "", time.Time{}, err
	}
	ctx, cancel := c.withTimeout(ctx)
	defer cancel()
	t, err := c.accessToken(ctx, a)
	return t.value, t.expires, err
}

// Ping tries the app's credentials by asking WeChat for its access token, without
// keeping it. An *Error has a Hint for the operator.
func (c *Client) Ping(ctx context.Context, appid string) error {
	a, err := c.app(appid)
	if err != nil {
		return err
	}
	ctx, cancel := c.withTimeout(ctx)
	defer cancel()
	_, err = c.fetchToken(ctx, a, false)
	return err
}

func (c *Client) accessToken(ctx context.Context, a *app) (token, error) {
	t, loaded := a.token.get()
	if c.now().Sub(loaded) >= tokenCacheTTL || !t.usable(c.now()) {
		t = c.loadToken(ctx, a)
	}
	if !t.usable(c.now()) {
		return c.replaceToken(ctx, a, "")
	}
	if a.token.claimRefresh(c.now()) {
		go c.refreshInBackground(a)
	}
	return t, nil
}

// loadToken reads the shared token. Where the store can't be reached, the copy of
// this process serves on.
func (c *Client) loadToken(ctx context.Context, a *app) token {
	value, expires, err := c.tokens.Load(ctx, a.ID)
	if err != nil {
		c.log.Warn("access token not read from the store", zap.String("appid", a.ID), zap.Error(err))
	}
	if err != nil || value == "" {
		return a.token.keep(c.now())
	}
	t := token{value, expires}
	a.token.set(t, c.now())
	return t
}

// replaceToken gives a usable token other than the dead one, which may be empty.
// All calls of this process that wait for it share one attempt, which goes on
// when the one that began it is given up.
func (c *Client) replaceToken(ctx context.Context, a *app, dead secret.Text) (token, error) {
	done := a.token.flights.DoChan(dead.Reveal(), func() (any, error) {
		ctx, cancel := c.withTimeout(context.WithoutCancel(ctx))
		defer cancel()
		return c.nextToken(ctx, a, dead)
	})
	select {
	case r := <-done:
		if r.Err != nil {
			return token{}, r.Err
		}
		return r.Val.(token), nil
	case <-ctx.Done():
		return token{}, transportError(ctx, call{api: apiStableToken}, ctx.Err())
	}
}

// nextToken finds the token that another call or instance has put in the dead
// one's place, or is the one that fetches it.
func (c *Client) nextToken(ctx context.Context, a *app, dead secret.Text) (token, error) {
	if t, _ := a.token.get(); t.value != dead && t.usable(c.now()) {
		return t, nil
	}
	for {
		if t := c.loadToken(ctx, a); t.value != dead && t.usable(c.now()) {
			return t, nil
		}
		unlock, ok := c.lockToken(ctx, a)
		if ok {
			defer unlock()
			return c.fetchUnlessReplaced(ctx, a, dead)
		}
		if !sleep.For(ctx, tokenLockPoll) {
			return token{}, transportError(ctx, call{api: apiStableToken}, ctx.Err())
		}
	}
}

// lockToken makes this instance the one that fetches. The lock is short, so that
// an instance that dies with it holds nobody up for long; should it run out, or
// the store be away, several fetch: WeChat gives the same token to each.
func (c *Client) lockToken(ctx context.Context, a *app) (unlock func(), ok bool) {
	unlock, ok, err := c.tokens.Lock(ctx, a.ID, c.current.Load().timeout/2)
	if err != nil {
		c.log.Warn("access token not locked in the store", zap.String("appid", a.ID), zap.Error(err))
		return func() {}, true
	}
	return unlock, ok
}

// fetchUnlessReplaced is called under the lock: an instance may have put a new
// token there between the last look and the lock.
func (c *Client) fetchUnlessReplaced(ctx context.Context, a *app, dead secret.Text) (token, error) {
	if t := c.loadToken(ctx, a); t.value != dead && t.usable(c.now()) {
		return t, nil
	}
	t, err := c.fetchToken(ctx, a, false)
	if err == nil && t.value == dead {
		t, err = c.forceToken(ctx, a, dead)
	}
	if err != nil {
		return token{}, err
	}
	c.saveToken(ctx, a, t)
	return t, nil
}

// saveToken keeps a token that WeChat has just given.
func (c *Client) saveToken(ctx context.Context, a *app, t token) {
	a.token.set(t, c.now())
	a.token.checkedAt(c.now())
	if err := c.tokens.Save(ctx, a.ID, t.value, t.expires); err != nil {
		c.log.Warn("access token not saved in the store", zap.String("appid", a.ID), zap.Error(err))
	}
}

// refreshInBackground fetches the next token while the present one still serves. One
// instance does it; the others find the result in the store.
func (c *Client) refreshInBackground(a *app) {
	ctx, cancel := c.withTimeout(context.Background())
	defer cancel()
	unlock, ok := c.lockToken(ctx, a)
	if !ok {
		return
	}
	defer unlock()
	if t := c.loadToken(ctx, a); t.expires.Sub(c.now()) > refreshAheadOf {
		return
	}
	t, err := c.fetchToken(ctx, a, false)
	if err != nil {
		c.log.Warn("access token not refreshed ahead of its end", zap.String("appid", a.ID), zap.Error(err))
		return
	}
	c.saveToken(ctx, a, t)
}

// doWithToken makes a call that carries the access token, and makes it again if
// the token turns out dead, once.
func (c *Client) doWithToken(ctx context.Context, a *app, k call, out any) error {
	t, err := c.accessToken(ctx, a)
	if err != nil {
		return err
	}
	err = c.do(ctx, a, k.with(t.value), out)
	if !isTokenError(err) {
		return err
	}
	t, err = c.replaceToken(ctx, a, t.value)
	if err != nil {
		return fmt.Errorf("wechat: %s: no access token: %w", k.api, err)
	}
	return c.do(ctx, a, k.with(t.value), out)
}

func isTokenError(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && isDeadToken(e.Code)
}
