package wechat_test

import (
	"testing"
	"time"

	"wxgate/wechat/wechattest"
)

func TestStatusHasCircuitsAndTokenExpiry(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	before := env.client.Status(t.Context())
	if len(before) == 0 || before[0].AppID != appID || before[0].Circuits["login"] != "closed" || len(before[0].Circuits) != 4 || !before[0].TokenExpires.IsZero() {
		t.Errorf("before any call: %+v", before)
	}
	_, expires, err := env.client.AccessToken(t.Context(), appID)
	if err != nil {
		t.Fatal(err)
	}
	failLogins(t, env)
	after := env.client.Status(t.Context())[0]
	if after.Circuits["login"] != "open" || after.Circuits["relay"] != "closed" || !after.TokenExpires.Equal(expires) {
		t.Errorf("after failures: %+v, token until %v", after, expires)
	}
}

// An instance that has made no call yet reports the shared token.
func TestStatusReadsTheSharedAccessToken(t *testing.T) {
	t.Parallel()
	var shared *sharedTokens
	env := newTestEnv(t, func(s *settings, _ *wechattest.Options) {
		shared = newSharedTokens(s.Now)
		s.Tokens = shared
	})
	other := newClient(t, settings{Base: env.base, Now: env.Now, Tokens: shared})
	_, expires, err := env.client.AccessToken(t.Context(), appID)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got := other.Status(t.Context())[0].TokenExpires; !got.Equal(expires) {
			t.Errorf("until %v, want %v", got, expires)
		}
	}
	if n := shared.loads.Load(); n > 4 {
		t.Errorf("the store was read %d times", n)
	}
	env.Advance(3 * time.Hour)
	if got := other.Status(t.Context())[0].TokenExpires; !got.IsZero() {
		t.Errorf("an expired token is reported: %v", got)
	}
}
