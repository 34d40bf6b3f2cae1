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

// Callers with the raw token see it die. The gateway, which calls nothing meanwhile,
// must not give them the dead one for the rest of its two hours.
func TestAskedForAgainTheTokenInForceIsGiven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := checkedToken(t, w.client)
	if err := w.sim.KillToken(appID, false); err != nil {
		t.Fatal(err)
	}
	w.Advance(4 * time.Second)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if checkedToken(t, w.client) == old {
				t.Error("the dead token is given out")
			}
		})
	}
	wg.Wait()
	if n := w.sim.Count(stableToken); n != 2 {
		t.Errorf("WeChat was asked %d times", n)
	}
	if accessToken(t, w.client) != checkedToken(t, w.client) {
		t.Error("the gateway itself keeps another token")
	}
	if n := forced(w.sim); n != 0 {
		t.Errorf("%d forced refreshes", n)
	}
}

func TestTokenIsCheckedRarely(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 100 {
		checkedToken(t, w.client)
	}
	w.Advance(4 * time.Second)
	for range 100 {
		checkedToken(t, w.client)
	}
	if n := w.sim.Count(stableToken); n != 2 {
		t.Errorf("WeChat was asked %d times", n)
	}
}

func TestTokenIsGivenUncheckedWhileWeChatIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := checkedToken(t, w.client)
	w.sim.AddFault(wechattest.Fault{API: stableToken, Status: 500})
	w.Advance(4 * time.Second)
	for range 5 {
		if checkedToken(t, w.client) != old {
			t.Fatal("another token")
		}
	}
	if n := w.sim.Count(stableToken); n > 4 {
		t.Errorf("WeChat was asked %d times", n)
	}
}
