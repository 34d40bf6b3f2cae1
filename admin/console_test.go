package admin_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"wxgate/admin"
	"wxgate/internal/testkit"
)

// fakeGateway replaces the gateway around the listener; the tests of cmd/wxgate use
// the real one.
func fakeGateway() admin.Gateway {
	return admin.Gateway{
		Build: admin.Build{Version: "v1.2.3", Commit: "abc", Go: "go1.26"}, Started: time.Now(), Store: "Redis at r:6379",
		Routes:    func() []admin.Route { return []admin.Route{{Name: "api", Path: "/api/"}} },
		Upstreams: func() []admin.UpstreamGroup { return []admin.UpstreamGroup{{Route: "api"}} },
		Explain: func(_ context.Context, r *http.Request) admin.Explanation {
			return admin.Explanation{Method: r.Method, URI: r.URL.RequestURI(), Host: r.Host}
		},
		Config: func() ([]byte, error) { return []byte("listen: :8080\n"), nil },
	}
}

// consoleCalls are the calls that need the scope admin for all apps.
var consoleCalls = []struct{ method, path, body string }{
	{"GET", "/api/status", ""}, {"GET", "/api/history", ""}, {"GET", "/api/events", ""}, {"GET", "/api/upstreams", ""},
	{"GET", "/api/routes", ""}, {"POST", "/api/explain", `{"method":"GET","url":"/x"}`}, {"GET", "/api/config", ""},
}

func TestTheConsolesCallsNeedTheAdminScopeForAllApps(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	for _, c := range append(consoleCalls, struct{ method, path, body string }{"GET", "/api/audit", ""}) {
		for token, want := range map[string]string{"": "401 token_missing", "wrong-token-of-nobody": "401 token_invalid", wechatToken: "403 forbidden", rawToken: "403 forbidden"} {
			if a := env.call(c.method, c.path, token, c.body); outcome(a) != want {
				t.Errorf("%s %s with %q: want %s, got %v", c.method, c.path, token, want, a)
			}
		}
		if a := env.call("PATCH", c.path, adminToken, ""); outcome(a) != "405 method_not_allowed" || a.Header.Get("Allow") != c.method {
			t.Errorf("PATCH %s: %v, Allow %q", c.path, a, a.Header.Get("Allow"))
		}
	}
	for _, c := range consoleCalls { // their responses are about all apps
		if a := env.call(c.method, c.path, otherToken, c.body); outcome(a) != "403 forbidden" {
			t.Errorf("%s %s with a token for one app: %v", c.method, c.path, a)
		}
	}
}

func TestAnyTokenCanQueryItsOwnPermissions(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	for token, want := range map[string]string{
		adminToken:  `{"name":"operators","scopes":["admin"],"apps":["` + app + `","` + otherApp + `"],"all_apps":true}`,
		wechatToken: `{"name":"orders","scopes":["wechat"],"apps":["` + app + `","` + otherApp + `"],"all_apps":true}`,
		otherToken:  `{"name":"other","scopes":["admin","wechat","token"],"apps":["` + otherApp + `"],"all_apps":false}`,
	} {
		if a := env.call("GET", "/api/token", token, ""); a.Status != http.StatusOK || string(a.Body) != want {
			t.Errorf("%v", a)
		}
	}
	if a := env.call("GET", "/api/token", "", ""); outcome(a) != "401 token_missing" {
		t.Errorf("%v", a)
	}
	env.server.Configure(admin.Config{})
	if a := env.call("GET", "/api/token", adminToken, ""); outcome(a) != "401 token_invalid" || !strings.Contains(string(a.Body), "none is configured") {
		t.Errorf("without admin.tokens: %v", a)
	}
}

func TestExplainValidatesItsRequest(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	a := env.call("POST", "/api/explain", adminToken, `{"method":"post","url":"https://shop.example.com/api/x?y=1","token":"t"}`)
	var e admin.Explanation
	a.JSON(t, &e)
	if a.Status != http.StatusOK || e.Method != "POST" || e.URI != "/api/x?y=1" || e.Host != "shop.example.com" {
		t.Errorf("%v", a)
	}
	for _, body := range []string{
		"", "x", "[]", `{}`, `{"url":7}`, `{"url":""}`, `{"url":"http://[::1"}`, `{"method":"A B","url":"/x"}`, `{"url":"/` + strings.Repeat("x", 9<<10) + `"}`,
		`{"url":"/x","token":"` + strings.Repeat("x", 9<<10) + `"}`, `{"url":"/x","token":"a\r\nX-OpenID: b"}`,
	} {
		if a := env.call("POST", "/api/explain", adminToken, body); outcome(a) != "400 bad_request" {
			t.Errorf("%.60s: %v", body, a)
		}
	}
	if a := env.call("POST", "/api/explain", adminToken, strings.Repeat(" ", 2<<20)); outcome(a) != "413 body_too_large" {
		t.Errorf("a body that is too large: %v", a)
	}
}

func TestAUserIsFoundByOpenID(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	s := env.login("alice")
	for query, want := range map[string]string{
		"openid=" + s.OpenID: s.OpenID, "openid=" + s.OpenID + "&appid=" + app: s.OpenID, "openid=" + s.OpenID + "&appid=" + otherApp: "", "openid=nobody": "",
	} {
		if got := openids(t, env.call("GET", "/api/users?"+query, adminToken, "")); got != want {
			t.Errorf("%s: %q", query, got)
		}
	}
	if got := openids(t, env.call("GET", "/api/users?openid="+s.OpenID, otherToken, "")); got != "" {
		t.Errorf("with another app's token: %q", got)
	}
	for _, query := range []string{"openid=", "openid=a&openid=b", "openid=a&user_id=b"} {
		if a := env.call("GET", "/api/users?"+query, adminToken, ""); outcome(a) != "400 bad_request" {
			t.Errorf("%s: %v", query, a)
		}
	}
}

func TestSessionsAreShownWithTheirKind(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	s := env.login("alice")
	ticket, err := env.sessions.IssueTicket(t.Context(), s, "/h5/")
	testkit.Must(t, err)
	open, err := env.sessions.ReadTicket(t.Context(), ticket.Value.Reveal())
	testkit.Must(t, err)
	_, page, err := env.sessions.RedeemTicket(t.Context(), open, "a browser", nil)
	testkit.Must(t, err)
	type shown struct{ SID, Kind, Parent string }
	for sid, want := range map[string]shown{s.ID: {s.ID, "bearer", ""}, page.ID: {page.ID, "web", s.ID}} {
		var got shown
		env.call("GET", "/api/sessions/"+sid, adminToken, "").JSON(t, &got)
		if got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}
