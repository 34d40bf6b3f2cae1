package wechat

import (
	"context"
	"time"

	"go.uber.org/zap"

	"wxgate/secret"
)

// tokenCheckInterval is how long a process gives out an access token without asking
// WeChat whether it is in force: 28,800 calls a day at most, of 500,000 that
// stable_token may be called.
const tokenCheckInterval = 3 * time.Second

// CheckedAccessToken is AccessToken for callers outside of the gateway, who call WeChat
// by themselves. Only they see that a token has died before its time, and all they can
// do is to ask again. So WeChat is asked which token is in force; where it doesn't
// answer, the one that is known is given.
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

// checkToken gives the token that is in force by WeChat's word. All that wait for it
// share one call.
func (c *Client) checkToken(ctx context.Context, a *app, t token) token {
	if c.now().Sub(a.token.lastChecked()) < tokenCheckInterval {
		return t
	}
	inForce, err, _ := a.token.checks.Do("", func() (any, error) {
		ctx, cancel := c.withTimeout(context.WithoutCancel(ctx))
		defer cancel()
		defer a.token.checkedAt(c.now())
		return c.fetchToken(ctx, a, false)
	})
	if err != nil {
		c.log.Warn("access token not checked", zap.String("appid", a.ID), zap.Error(err))
		return t
	}
	got := inForce.(token)
	if got.value == t.value {
		return t
	}
	c.saveToken(ctx, a, got)
	return got
}
