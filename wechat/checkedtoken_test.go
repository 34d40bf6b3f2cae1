package wechat_test

import (
	"sync"
	"testing"
	"time"

	"wxgate/wechat"
	"wxgate/wechat/wechattest"
)

func checkedToken(t *testing.T, c *wechat.Client) string {
	t.Helper()
	value, _, err := c.CheckedAccessToken(t.Context(), appID)
	if err != nil {
		t.Fatal(err)
	}
	return value.Reveal()
}

// External callers see WeChat reject the token. The gateway, which makes no call itself,
// must not return the rejected token until it expires.
func TestCheckedAccessTokenReturnsTheCurrentToken(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	old := checkedToken(t, env.client)
	if err := env.sim.InvalidateToken(appID, false); err != nil {
		t.Fatal(err)
	}
	env.Advance(4 * time.Second)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if checkedToken(t, env.client) == old {
				t.Error("the rejected token is returned")
			}
		})
	}
	wg.Wait()
	if n := env.sim.Count(stableToken); n != 2 {
		t.Errorf("%d calls of WeChat", n)
	}
	if accessToken(t, env.client) != checkedToken(t, env.client) {
		t.Error("the gateway itself uses another token")
	}
	if n := forcedRefreshes(env.sim); n != 0 {
		t.Errorf("%d forced refreshes", n)
	}
}

func TestTokenChecksAreRateLimited(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	for range 100 {
		checkedToken(t, env.client)
	}
	env.Advance(4 * time.Second)
	for range 100 {
		checkedToken(t, env.client)
	}
	if n := env.sim.Count(stableToken); n != 2 {
		t.Errorf("%d calls of WeChat", n)
	}
}

func TestUncheckedTokenIsReturnedWhereWeChatFails(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	old := checkedToken(t, env.client)
	env.sim.AddFault(wechattest.Fault{API: stableToken, Status: 500})
	env.Advance(4 * time.Second)
	for range 5 {
		if checkedToken(t, env.client) != old {
			t.Fatal("another token")
		}
	}
	if n := env.sim.Count(stableToken); n > 4 {
		t.Errorf("%d calls of WeChat", n)
	}
}
