package wechat

import (
	"context"

	"go.uber.org/zap"

	"wxgate/internal/sleep"
	"wxgate/secret"
)

// replaceToken returns a usable token other than rejected, which may be empty. All callers
// in this process share one attempt, which continues when a caller's context ends.
func (c *Client) replaceToken(ctx context.Context, a *app, rejected secret.Text) (token, error) {
	result := a.token.fetches.DoChan(rejected.Reveal(), func() (any, error) {
		ctx, cancel := c.withTimeout(context.WithoutCancel(ctx))
		defer cancel()
		return c.findOrFetchToken(ctx, a, rejected)
	})
	select {
	case r := <-result:
		if r.Err != nil {
			return token{}, r.Err
		}
		return r.Val.(token), nil
	case <-ctx.Done():
		return token{}, transportError(ctx, apiCall{api: apiStableToken}, ctx.Err())
	}
}

// findOrFetchToken returns the token that another call or another instance has stored in
// place of the rejected one, or fetches a new one under the store's lock.
func (c *Client) findOrFetchToken(ctx context.Context, a *app, rejected secret.Text) (token, error) {
	if t, _ := a.token.get(); t.value != rejected && t.usable(c.now()) {
		return t, nil
	}
	for {
		if t := c.loadToken(ctx, a); t.value != rejected && t.usable(c.now()) {
			return t, nil
		}
		unlock, ok := c.lockToken(ctx, a)
		if ok {
			defer unlock()
			return c.fetchUnlessReplaced(ctx, a, rejected)
		}
		if !sleep.For(ctx, tokenLockPoll) {
			return token{}, transportError(ctx, apiCall{api: apiStableToken}, ctx.Err())
		}
	}
}

// lockToken acquires the lock under which one instance fetches the token. It expires after
// half of the timeout, so that an instance that crashes doesn't block the others. When
// it expires or the store fails, several instances fetch, and WeChat returns the same
// token to each.
func (c *Client) lockToken(ctx context.Context, a *app) (unlock func(), ok bool) {
	unlock, ok, err := c.tokens.Lock(ctx, a.ID, c.current.Load().timeout/2)
	if err != nil {
		c.log.Warn("access token not locked in the store", zap.String("appid", a.ID), zap.Error(err))
		return func() {}, true
	}
	return unlock, ok
}

// fetchUnlessReplaced fetches a token, and forces a new one if WeChat returns the
// rejected one. It is called under the lock, and reads the store first: another
// instance may have replaced the token before this one got the lock.
func (c *Client) fetchUnlessReplaced(ctx context.Context, a *app, rejected secret.Text) (token, error) {
	if t := c.loadToken(ctx, a); t.value != rejected && t.usable(c.now()) {
		return t, nil
	}
	t, err := c.fetchToken(ctx, a, false)
	if err == nil && t.value == rejected {
		t, err = c.forceToken(ctx, a, rejected)
	}
	if err != nil {
		return token{}, err
	}
	c.saveToken(ctx, a, t)
	return t, nil
}
