package wechat_test

import (
	"errors"
	"fmt"
	"testing"
	"wxgate/wechat"
	"wxgate/wechat/wechattest"
)

func TestCheckSessionReportsWhetherTheKeyIsCurrent(t *testing.T) {
	t.Parallel()
	env, u, key := loggedIn(t)
	if ok, err := env.client.CheckSession(t.Context(), appID, u.OpenID, key); !ok || err != nil {
		t.Errorf("current key: %v, %v", ok, err)
	}
	u.RotateSessionKey()
	if ok, err := env.client.CheckSession(t.Context(), appID, u.OpenID, key); ok || err != nil {
		t.Errorf("after a rotation: %v, %v", ok, err)
	}
	env.sim.AddFault(wechattest.Fault{API: checksession, Errcode: 45011})
	if ok, err := env.client.CheckSession(t.Context(), appID, u.OpenID, key); ok || !errors.Is(err, wechat.ErrRateLimited) {
		t.Errorf("rate limited: %v, %v", ok, err)
	}
	if _, err := env.client.CheckSession(t.Context(), "wxother", u.OpenID, key); !errors.Is(err, wechat.ErrUnknownApp) {
		t.Errorf("another app: %v", err)
	}
}

func TestResetSessionKeyReplacesTheKey(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	u := env.user(t, "alice")
	old := env.login(t, u).SessionKey
	fresh, err := env.client.ResetSessionKey(t.Context(), appID, u.OpenID, old)
	if err != nil || fresh == old || !fresh.Equal(u.SessionKey()) {
		t.Fatalf("%v", err)
	}
	if ok, err := env.client.CheckSession(t.Context(), appID, u.OpenID, fresh); !ok || err != nil {
		t.Errorf("the new one: %v, %v", ok, err)
	}
	if ok, err := env.client.CheckSession(t.Context(), appID, u.OpenID, old); ok || err != nil {
		t.Errorf("the old one: %v, %v", ok, err)
	}
	for _, body := range []string{`{"errcode":0}`, `{"openid":"o2","session_key":"k"}`, fmt.Sprintf(`{"openid":%q,"session_key":""}`, u.OpenID)} {
		env.sim.AddFault(wechattest.Fault{API: resetusersessionkey, Times: 1, Body: body})
		if got, err := env.client.ResetSessionKey(t.Context(), appID, u.OpenID, fresh); !errors.Is(err, wechat.ErrUnavailable) || got != "" {
			t.Errorf("%s: %v", body, err)
		}
	}
}
