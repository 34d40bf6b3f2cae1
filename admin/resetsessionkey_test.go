package admin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"wxgate/wechat/wechattest"
)

// After the reset a leaked key decrypts nothing new, the user stays logged in, and
// every instance uses the new key.
func TestALeakedSessionKeyIsReset(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	twin := env.twin()
	s := env.login("alice")
	alice := env.user("alice")
	path := "/api/users/" + app + "/" + alice.OpenID
	leaked := alice.SessionKey()
	if a := env.call("POST", path+"/reset-session-key", adminToken, ""); a.Status != http.StatusOK || strings.TrimSpace(string(a.Body)) != `{"reset":true}` {
		t.Fatalf("%v", a)
	}
	env.checkAudited("reset_session_key", "operators", alice.OpenID)
	if alice.SessionKey() == leaked {
		t.Error("WeChat has the same key")
	}
	for name, i := range map[string]*testEnv{"this instance": env, "the other": twin} {
		if a := i.call("POST", path+"/decrypt", wechatToken, sealed(alice.Encrypt(map[string]any{"x": 1}, time.Time{}))); a.Status != http.StatusOK {
			t.Errorf("%s: data under the new key: %v", name, a)
		}
		key, err := i.sessions.SessionKey(t.Context(), s)
		if err != nil || key.Reveal() != alice.SessionKey() {
			t.Errorf("%s: the session's key is not the new one: %v", name, err)
		}
	}
	if log := env.log.String(); strings.Contains(log, leaked) || strings.Contains(log, alice.SessionKey()) {
		t.Error("a key is in the log")
	}
	alice.RotateSessionKey() // as a wx.login elsewhere does
	if a := twin.call("POST", path+"/reset-session-key", adminToken, ""); a.Status != http.StatusOK || strings.TrimSpace(string(a.Body)) != `{"reset":false}` {
		t.Errorf("a key that is invalid already: %v", a)
	}
}

func TestRefusedSessionKeyResets(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.login("alice")
	alice := env.user("alice").OpenID
	const api = "/wxa/resetusersessionkey"
	for name, c := range map[string]struct {
		path, token string
		fault       wechattest.Fault
		want        string
	}{
		"with the scope wechat":   {app + "/" + alice, wechatToken, wechattest.Fault{}, "403 forbidden"},
		"with another app's":      {app + "/" + alice, otherToken, wechattest.Fault{}, "403 forbidden"},
		"without a token":         {app + "/" + alice, "", wechattest.Fault{}, "401 token_missing"},
		"a user without sessions": {app + "/nobody", adminToken, wechattest.Fault{}, "404 not_found"},
		"an app that is none":     {"wxnone/" + alice, adminToken, wechattest.Fault{}, "404 not_found"},
		"too often":               {app + "/" + alice, adminToken, wechattest.Fault{API: api, Times: 1, Errcode: 45011}, "429 rate_limited"},
		"WeChat is busy":          {app + "/" + alice, adminToken, wechattest.Fault{API: api, Times: 2, Errcode: -1}, "503 wechat_unavailable"},
		"no response":             {app + "/" + alice, adminToken, wechattest.Fault{API: api, Times: 1, Drop: true}, "503 wechat_unavailable"},
		"nonsense":                {app + "/" + alice, adminToken, wechattest.Fault{API: api, Times: 1, Body: `{"openid":"another","session_key":"k"}`}, "503 wechat_unavailable"},
	} {
		if c.fault.API != "" {
			env.sim.AddFault(c.fault)
		}
		before := env.user("alice").SessionKey()
		if a := env.call("POST", "/api/users/"+c.path+"/reset-session-key", c.token, ""); outcome(a) != c.want {
			t.Errorf("%s: want %s, got %v", name, c.want, a)
		}
		if env.user("alice").SessionKey() != before {
			t.Errorf("%s: the key has changed", name)
		}
		env.sim.ClearFaults()
	}
	if a := env.call("GET", "/api/users/"+app+"/"+alice+"/reset-session-key", adminToken, ""); outcome(a) != "405 method_not_allowed" {
		t.Errorf("GET: %v", a)
	}
	env.redis.Stop()
	if a := env.call("POST", "/api/users/"+app+"/"+alice+"/reset-session-key", adminToken, ""); outcome(a) != "503 store_unavailable" {
		t.Errorf("while Redis is unreachable: %v", a)
	}
}
