package admin_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestTheAccessTokenNeedsItsOwnScope(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	type shape struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
	}
	fetch := func(method, appid, path, token string) (got shape) {
		t.Helper()
		a := env.call(method, "/wx/"+appid+path, token, "")
		a.JSON(t, &got)
		if a.Status != http.StatusOK {
			t.Errorf("%s: %v", path, a)
		}
		return got
	}
	placeholder := fetch("GET", app, "/cgi-bin/token", wechatToken)
	if placeholder.ExpiresIn != 7200 || len(placeholder.AccessToken) < 64 || placeholder != fetch("POST", app, "/cgi-bin/stable_token", wechatToken) || placeholder != fetch("GET", app, "/cgi-bin/token", bothToken) {
		t.Errorf("the placeholder: %+v", placeholder)
	}
	if n := len(env.sim.Calls()); n != 0 {
		t.Errorf("WeChat was called %d times for a placeholder", n)
	}
	if other := fetch("GET", otherApp, "/cgi-bin/token", wechatToken); other == placeholder {
		t.Error("two apps share a placeholder")
	}
	if real := fetch("GET", app, "/cgi-bin/token", rawToken); real.AccessToken == placeholder.AccessToken {
		t.Error("the scope token gets a placeholder")
	}
	// The relay ignores the placeholder.
	if a := env.call("POST", codePath+"?access_token="+placeholder.AccessToken, wechatToken, `{"scene":"a"}`); a.Status != http.StatusOK {
		t.Errorf("a relayed call with it: %v", a)
	}
	for _, path := range []string{"/wxa/getwxacodeunlimit", "/cgi-bin/message/subscribe/send"} {
		if a := env.call("POST", "/wx/"+app+path, rawToken, "{}"); outcome(a) != "403 forbidden" {
			t.Errorf("%s with the scope token alone: %v", path, a)
		}
	}
	for _, token := range []string{"", placeholder.AccessToken} {
		if a := env.call("POST", codePath+"?access_token="+placeholder.AccessToken, token, `{"scene":"a"}`); a.Status != http.StatusUnauthorized {
			t.Errorf("the placeholder for a token: %v", a)
		}
	}
}

func TestTheAccessTokenIsSharedByAllCallersAndInstances(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	other := env.twin()
	type shape struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
	}
	fetch := func(env *testEnv, method, path, body string) (got shape) {
		t.Helper()
		a := env.call(method, "/wx/"+app+path, rawToken, body)
		a.JSON(t, &got)
		if a.Status != http.StatusOK || got.ExpiresIn < 7000 || got.ExpiresIn > 7200 || len(got.AccessToken) < 64 {
			t.Errorf("%s %s: %v", method, path, a)
		}
		return got
	}
	first := fetch(env, "GET", "/cgi-bin/token?grant_type=client_credential&appid=wxother&secret=whatever", "")
	for range 3 {
		for _, instance := range []*testEnv{env, other} {
			for _, got := range []shape{
				fetch(instance, "GET", "/cgi-bin/token", ""),
				fetch(instance, "GET", "/cgi-bin/%74oken", ""),
				fetch(instance, "POST", "/cgi-bin/stable_token", `{"grant_type":"client_credential","force_refresh":true}`),
			} {
				if got.AccessToken != first.AccessToken {
					t.Error("another token was returned")
				}
			}
		}
	}
	// Once for the token, and every few seconds by each instance to check that it is valid.
	if n := env.sim.Count("/cgi-bin/stable_token") + env.sim.Count("/cgi-bin/token"); n > 4 {
		t.Errorf("WeChat was called %d times for 19 responses", n)
	}
	if line := env.lastAuditLine(); line["action"] != "access_token" || line["actor"] != "legacy" || line["appid"] != app {
		t.Errorf("audited: %v", line)
	}
	for call, allow := range map[string]string{"POST /cgi-bin/token": "GET", "GET /cgi-bin/stable_token": "POST"} {
		method, path, _ := strings.Cut(call, " ")
		if a := env.call(method, "/wx/"+app+path, wechatToken, ""); outcome(a) != "405 method_not_allowed" || a.Header.Get("Allow") != allow {
			t.Errorf("%s: %v", call, a)
		}
	}
}
