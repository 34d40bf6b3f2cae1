package wechat

import (
	"context"
	"time"

	"go.uber.org/zap"

	"wxgate/secret"
)

// tokenCheckInterval is how long a process returns an access token before it checks again
// which one is current: at most 28,800 of the 500,000 calls of stable_token a day that
// WeChat allows.
const tokenCheckInterval = 3 * time.Second

// CheckedAccessToken is AccessToken for callers outside of the gateway, which call WeChat
// themselves. Only they notice that WeChat rejects a token before its expiry, and then
// they request it again. So CheckedAccessToken asks WeChat, at most once in
// tokenCheckInterval, which token is current. If WeChat doesn't respond, it returns the
// cached token.
func (c *Client) CheckedAccessToken(ctx context.Context, appid string) (value secret.Text, expires time.Time, err error) {
	a, err := c.app(appid)
	if err != nil {
		return "", time.Time{}, err
	}
	ctx, cancel := c.withTimeout(ctx)
	defer cancel()
	t, err := c.accessToken(ctx, a)
	if err != nil {
		return "", time.Time{}, err
	}
	t = c.checkToken(ctx, a, t)
	return t.value, t.expires, nil
}

// checkToken returns the token that WeChat says is current. Concurrent callers share one
// call.
func (c *Client) checkToken(ctx context.Context, a *app, t token) token {
	if c.now().Sub(a.token.lastChecked()) < tokenCheckInterval {
		return t
	}
	current, err, _ := a.token.checks.Do("", func() (any, error) {
		ctx, cancel := c.withTimeout(context.WithoutCancel(ctx))
		defer cancel()
		defer a.token.setCheckedAt(c.now())
		return c.fetchToken(ctx, a, false)
	})
	if err != nil {
		c.log.Warn("access token not checked", zap.String("appid", a.ID), zap.Error(err))
		return t
	}
	fetched := current.(token)
	if fetched.value == t.value {
		return t
	}
	c.saveToken(ctx, a, fetched)
	return fetched
}
