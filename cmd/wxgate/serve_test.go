package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"wxgate/internal/testkit"
)

func TestLoginCallLogoutAndRestart(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	first := env.serve(nil)
	alice := env.user(appA, "alice")

	token, other := first.login("alice"), first.login("alice")
	got := backendRequest(t, first.call("GET", "/api/orders?x=1", token, ""))
	if got.Path != "/api/orders" || got.Header.Get("X-OpenID") != alice.OpenID || got.Header.Get("X-AppID") != appA ||
		got.Header.Get("X-UnionID") != alice.UnionID || got.Header.Get("Authorization") != "" {
		t.Errorf("the backend got %+v", got)
	}
	if a := first.call("POST", "/auth/logout", token, ""); a.Status != http.StatusNoContent {
		t.Fatalf("logout: %v", a)
	}
	refused := func(i *instance, token, code string) {
		t.Helper()
		if a := i.call("GET", "/api/orders", token, ""); a.Status != http.StatusUnauthorized || a.Code() != code || a.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("want 401 %s, got %v", code, a)
		}
	}
	refused(first, token, "session_ended")
	refused(first, "", "token_missing")
	refused(first, token+"x", "token_invalid")
	first.end()

	second := env.serve(nil)
	if got := backendRequest(t, second.call("GET", "/api/orders", other, "")); got.Header.Get("X-OpenID") != alice.OpenID {
		t.Errorf("after a restart the backend got %+v", got)
	}
	refused(second, token, "session_ended")
	if a := second.call("POST", "/auth/login", "", fmt.Sprintf(`{"appid":%q,"code":%q}`, appA, alice.Code())); a.Field("is_new_user") != "false" {
		t.Errorf("a known user after a restart: %v", a)
	}
}

func TestInvalidLoginsAreRefusedBeforeWeChatIsCalled(t *testing.T) {
	t.Parallel()
	i := newTestEnv(t).serve(nil)
	huge := fmt.Sprintf(`{"code":%q}`, strings.Repeat("x", 1<<20))
	for body, want := range map[string]string{
		"":                                     "400 bad_request",
		"{":                                    "400 bad_request",
		"[]":                                   "400 bad_request",
		`{"code":7}`:                           "400 bad_request",
		`{"appid":"` + appA + `"}`:             "400 bad_request",
		`{"code":"abcdefgh"}`:                  "400 bad_request", // two apps, and none named
		`{"appid":"wxother","code":"abcdefg"}`: "400 bad_request",
		`{"appid":"` + appA + `","code":"a&appid=` + appB + `"}`: "400 bad_request",
		`{"appid":"` + appA + `","code":"a\u0000b"}`:             "400 bad_request",
		`{"appid":"` + appA + `","code":"never-minted"}`:         "401 invalid_code",
		huge: "413 body_too_large",
	} {
		a := i.call("POST", "/auth/login", "", body)
		if got := fmt.Sprint(a.Status, " ", a.Code()); got != want {
			t.Errorf("%.60s: want %s, got %v", body, want, a)
		}
		if a.Field("error") != a.Code() || a.Field("request_id") == "" || a.Field("message") == "" {
			t.Errorf("%.60s: the error says %s", body, a.Body)
		}
	}
	if i.env.sim.Count("/sns/jscode2session") != 1 {
		t.Errorf("WeChat was called %d times", i.env.sim.Count("/sns/jscode2session"))
	}
}

func TestEachListenerServesItsOwnCallsOnly(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(settings{"routes": "[" + env.route("/api/", "") + "]"})
	token := i.login("alice")
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/api/users/" + appA + "/x", "/wx/" + appA + "/wxa/getwxacodeunlimit"} {
		for _, bearer := range []string{"", adminToken, wechatToken} {
			a := i.call("GET", path, bearer, "")
			if a.Code() != "no_route" && a.Code() != "token_missing" && a.Code() != "token_invalid" {
				t.Errorf("public %s: %v", path, a)
			}
		}
	}
	for _, c := range []struct{ method, path string }{
		{"POST", "/auth/login"}, {"POST", "/auth/refresh"}, {"GET", "/auth/session"}, {"GET", "/api/orders"}, {"GET", "/"},
	} {
		if a := i.callAdmin(c.method, c.path, token, "{}"); a.Status != http.StatusNotFound || a.Code() != "not_found" {
			t.Errorf("private %s: %v", c.path, a)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if a := i.callAdmin("GET", path, "", ""); a.Status != http.StatusOK {
			t.Errorf("private %s: %v", path, a)
		}
	}
	public, private := i.call("GET", "/.well-known/jwks.json", "", ""), i.callAdmin("GET", "/.well-known/jwks.json", "", "")
	if public.Status != http.StatusOK || string(public.Body) != string(private.Body) {
		t.Errorf("keys: %v and %v", public, private)
	}
}

func TestAppsAreIsolated(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(settings{"identity": "{headers: {phone: X-Phone}}"})
	inA, inB := i.loginTo(appA, "alice"), i.loginTo(appB, "alice")
	a, b := env.user(appA, "alice"), env.user(appB, "alice")

	gotA, gotB := backendRequest(t, i.call("GET", "/api/x", inA, "")).Header, backendRequest(t, i.call("GET", "/api/x", inB, "")).Header
	if gotA.Get("X-AppID") != appA || gotA.Get("X-OpenID") != a.OpenID || gotA.Get("X-UnionID") != a.UnionID {
		t.Errorf("app A: %v", gotA)
	}
	if gotB.Get("X-AppID") != appB || gotB.Get("X-OpenID") != b.OpenID || gotB.Get("X-UnionID") != "" {
		t.Errorf("app B, which has no unionid: %v", gotB)
	}
	// A code of one app is invalid for the other.
	if got := i.call("POST", "/auth/login", "", fmt.Sprintf(`{"appid":%q,"code":%q}`, appB, a.Code())); got.Code() != "invalid_code" {
		t.Errorf("a code of app A at app B: %v", got)
	}
	// A user's data at one app is not in the user record of the other.
	if got := i.call("POST", "/auth/phone", inA, fmt.Sprintf(`{"code":%q}`, a.PhoneCode())); got.Status != http.StatusOK {
		t.Fatalf("phone: %v", got)
	}
	if got := i.callAdmin("GET", "/api/users/"+appB+"/"+b.OpenID, adminToken, ""); got.Status != http.StatusOK || got.Field("phone") != "" {
		t.Errorf("app B's user: %v", got)
	}
	// Relay lists and access tokens are separate.
	scene := `{"scene":"a=1"}`
	if got := i.callAdmin("POST", "/wx/"+appA+"/wxa/getwxacodeunlimit", wechatToken, scene); got.Header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("relay of app A: %v", got)
	}
	if got := i.callAdmin("POST", "/wx/"+appB+"/wxa/getwxacodeunlimit", wechatToken, scene); got.Status != http.StatusForbidden {
		t.Errorf("relay of app B, whose list is empty: %v", got)
	}
	tokenOf := func(app string) string {
		return i.callAdmin("GET", "/wx/"+app+"/cgi-bin/token", wechatToken, "").Field("access_token")
	}
	if tokenOf(appA) == "" || tokenOf(appA) == tokenOf(appB) {
		t.Error("the apps share an access token")
	}
	// Ending all sessions of a user at one app does not end those at the other.
	if got := i.callAdmin("DELETE", "/api/users/"+appA+"/"+a.OpenID+"/sessions", adminToken, ""); got.Field("ended") != "1" {
		t.Errorf("ended: %v", got)
	}
	if got := i.call("GET", "/api/x", inA, ""); got.Code() != "session_ended" {
		t.Errorf("app A after its end: %v", got)
	}
	backendRequest(t, i.call("GET", "/api/x", inB, ""))
}

func TestEveryRequestIsLoggedInOneLine(t *testing.T) {
	t.Parallel()
	i := newTestEnv(t).serve(nil)
	token := i.login("alice")
	i.call("GET", "/api/orders?secret=1", token, "")
	i.call("GET", "/api/orders", "", "")
	i.call("GET", "/nowhere", "", "")
	i.end()
	var lines []map[string]any
	for _, line := range i.logged("request") {
		delete(line, "time")
		lines = append(lines, line)
	}
	if len(lines) != 4 {
		t.Fatalf("%d lines: %v", len(lines), lines)
	}
	for n, want := range []map[string]any{
		{"method": "POST", "path": "/auth/login", "route": "auth/login", "status": 200.0, "openid": i.env.user(appA, "alice").OpenID},
		{"method": "GET", "path": "/api/orders", "route": "/api/", "status": 200.0, "openid": i.env.user(appA, "alice").OpenID, "appid": appA},
		{"method": "GET", "path": "/api/orders", "route": "/api/", "status": 401.0, "error": "token_missing"},
		{"method": "GET", "path": "/nowhere", "route": "-", "status": 404.0, "error": "no_route"},
	} {
		for key, value := range want {
			if lines[n][key] != value {
				t.Errorf("line %d: want %s %v, got %v", n, key, value, lines[n][key])
			}
		}
		for _, key := range []string{"duration", "bytes", "request_id", "client"} {
			if lines[n][key] == nil {
				t.Errorf("line %d has no %s: %v", n, key, lines[n])
			}
		}
	}
}

func TestServeReportsAnAddressInUse(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	defer taken.Close()
	address := taken.Addr().String()
	for want, changes := range map[string]settings{
		"wxgate: listen: ":       {"listen": fmt.Sprintf("%q", address)},
		"wxgate: admin.listen: ": {"admin": fmt.Sprintf("{listen: %q}", address)},
	} {
		changes["shutdown_timeout"] = "31s"
		status, _, stderr := wxgate(t, "serve", "--config", configFile(t, env.config(changes)))
		if status != exitFailed || !strings.HasPrefix(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("want 1 and %q, got %d and %q", want, status, stderr)
		}
	}
}

func TestTheGatewayStartsWithoutRedis(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.redis.Stop()
	i := env.serveUnready(nil)
	a := i.callAdmin("GET", "/readyz", "", "")
	var readyz struct{ Problems []string }
	testkit.Must(t, json.Unmarshal(a.Body, &readyz))
	if a.Status != http.StatusServiceUnavailable || len(readyz.Problems) != 1 || readyz.Problems[0] != "store_unavailable" {
		t.Errorf("readyz: %v", a)
	}
	if a := i.callAdmin("GET", "/healthz", "", ""); a.Status != http.StatusOK {
		t.Errorf("healthz: %v", a)
	}
	code := env.user(appA, "alice").Code()
	body := fmt.Sprintf(`{"appid":%q,"code":%q}`, appA, code)
	if a := i.call("POST", "/auth/login", "", body); a.Status != http.StatusServiceUnavailable || a.Code() != "store_unavailable" || a.Header.Get("Retry-After") == "" {
		t.Errorf("login: %v", a)
	}
	env.redis.Start()
	testkit.Eventually(t, "ready", func() bool { return i.ready() == http.StatusOK })
	if a := i.call("POST", "/auth/login", "", body); a.Status != http.StatusOK {
		t.Errorf("the same code once Redis is there: %v", a)
	}
}
