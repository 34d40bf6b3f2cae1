package wechat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"wxgate/secret"
)

// Lifetime and refresh of access tokens. WeChat's stable_token returns the same token to
// all callers. From five minutes before its expiry it returns a new one, and accepts
// both until then.
const (
	tokenCacheTTL        = time.Second           // how long a process uses its cached token before it reads the store again
	refreshBefore        = 5 * time.Minute       // how long before its expiry a token is refreshed in the background
	refreshRetryInterval = 30 * time.Second      // minimum time between two background refreshes of a process
	tokenMinRemaining    = 5 * time.Second       // a token that expires sooner is not used
	tokenLockPoll        = 50 * time.Millisecond // how often the store is read while another instance fetches the token
)

// AccessToken returns the app's access token, which all instances share, and its expiry.
// Errors: ErrUnknownApp, ErrMisconfigured, ErrUnavailable.
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

// Ping checks the app's credentials: it fetches the access token and discards it. An
// *Error has a Hint for the operator.
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
	if a.token.claimBackgroundRefresh(c.now()) {
		go c.refreshInBackground(a)
	}
	return t, nil
}

// loadToken reads the shared token from the store. If the store fails, it returns the
// cached token.
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

// saveToken stores a token that WeChat has just returned in the cache and in the store.
func (c *Client) saveToken(ctx context.Context, a *app, t token) {
	a.token.set(t, c.now())
	a.token.setCheckedAt(c.now())
	if err := c.tokens.Save(ctx, a.ID, t.value, t.expires); err != nil {
		c.log.Warn("access token not saved in the store", zap.String("appid", a.ID), zap.Error(err))
	}
}

// refreshInBackground fetches the next token while the current one is still valid. One
// instance fetches it, the others read it from the store.
func (c *Client) refreshInBackground(a *app) {
	ctx, cancel := c.withTimeout(context.Background())
	defer cancel()
	unlock, ok := c.lockToken(ctx, a)
	if !ok {
		return
	}
	defer unlock()
	if t := c.loadToken(ctx, a); t.expires.Sub(c.now()) > refreshBefore {
		return
	}
	t, err := c.fetchToken(ctx, a, false)
	if err != nil {
		c.log.Warn("access token not refreshed before its expiry", zap.String("appid", a.ID), zap.Error(err))
		return
	}
	c.saveToken(ctx, a, t)
}

// doWithToken makes a call with the access token. If WeChat rejects the token, it
// replaces it and retries once.
func (c *Client) doWithToken(ctx context.Context, a *app, k apiCall, out any) error {
	t, err := c.accessToken(ctx, a)
	if err != nil {
		return err
	}
	err = c.do(ctx, a, k.withAccessToken(t.value), out)
	if !isTokenError(err) {
		return err
	}
	t, err = c.replaceToken(ctx, a, t.value)
	if err != nil {
		return fmt.Errorf("wechat: %s: no access token: %w", k.api, err)
	}
	return c.do(ctx, a, k.withAccessToken(t.value), out)
}

// isTokenError reports whether WeChat rejected the access token.
func isTokenError(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && isTokenErrcode(e.Code)
}
