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

func TestLoginCallLogoutRefusedAndARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.serve(nil)
	alice := w.user(appA, "alice")

	token, other := first.login("alice"), first.login("alice")
	got := first.call("GET", "/api/orders?x=1", token, "").seen(t)
	if got.Path != "/api/orders" || got.Header.Get("X-OpenID") != alice.OpenID || got.Header.Get("X-AppID") != appA ||
		got.Header.Get("X-UnionID") != alice.UnionID || got.Header.Get("Authorization") != "" {
		t.Errorf("the backend got %+v", got)
	}
	if a := first.call("POST", "/auth/logout", token, ""); a.status != http.StatusNoContent {
		t.Fatalf("logout: %v", a)
	}
	refused := func(i *instance, token, code string) {
		t.Helper()
		if a := i.call("GET", "/api/orders", token, ""); a.status != http.StatusUnauthorized || a.code() != code || a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("want 401 %s, got %v", code, a)
		}
	}
	refused(first, token, "session_ended")
	refused(first, "", "token_missing")
	refused(first, token+"x", "token_invalid")
	first.end()

	second := w.serve(nil)
	if got := second.call("GET", "/api/orders", other, "").seen(t); got.Header.Get("X-OpenID") != alice.OpenID {
		t.Errorf("after a restart the backend got %+v", got)
	}
	refused(second, token, "session_ended")
	if a := second.call("POST", "/auth/login", "", fmt.Sprintf(`{"appid":%q,"code":%q}`, appA, alice.Code())); a.field("is_new_user") != "false" {
		t.Errorf("a known user after a restart: %v", a)
	}
}

func TestWhatALoginRefusesIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	i := newWorld(t).serve(nil)
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
		if got := fmt.Sprint(a.status, " ", a.code()); got != want {
			t.Errorf("%.60s: want %s, got %v", body, want, a)
		}
		if a.field("error") != a.code() || a.field("request_id") == "" || a.field("message") == "" {
			t.Errorf("%.60s: the error says %s", body, a.body)
		}
	}
	if i.w.sim.Count("/sns/jscode2session") != 1 {
		t.Errorf("WeChat was asked %d times", i.w.sim.Count("/sns/jscode2session"))
	}
}

func TestEachListenerAnswersItsOwnCallsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.serve(settings{"routes": "[" + w.route("/api/", "") + "]"})
	token := i.login("alice")
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/api/users/" + appA + "/x", "/wx/" + appA + "/wxa/getwxacodeunlimit"} {
		for _, bearer := range []string{"", adminToken, wechatToken} {
			a := i.call("GET", path, bearer, "")
			if a.code() != "no_route" && a.code() != "token_missing" && a.code() != "token_invalid" {
				t.Errorf("public %s: %v", path, a)
			}
		}
	}
	for _, c := range []struct{ method, path string }{
		{"POST", "/auth/login"}, {"POST", "/auth/refresh"}, {"GET", "/auth/session"}, {"GET", "/api/orders"}, {"GET", "/"},
	} {
		if a := i.manage(c.method, c.path, token, "{}"); a.status != http.StatusNotFound || a.code() != "not_found" {
			t.Errorf("private %s: %v", c.path, a)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if a := i.manage("GET", path, "", ""); a.status != http.StatusOK {
			t.Errorf("private %s: %v", path, a)
		}
	}
	public, private := i.call("GET", "/.well-known/jwks.json", "", ""), i.manage("GET", "/.well-known/jwks.json", "", "")
	if public.status != http.StatusOK || string(public.body) != string(private.body) {
		t.Errorf("keys: %v and %v", public, private)
	}
}

func TestAppsKnowNothingOfEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.serve(settings{"identity": "{headers: {phone: X-Phone}}"})
	inA, inB := i.loginTo(appA, "alice"), i.loginTo(appB, "alice")
	a, b := w.user(appA, "alice"), w.user(appB, "alice")

	gotA, gotB := i.call("GET", "/api/x", inA, "").seen(t).Header, i.call("GET", "/api/x", inB, "").seen(t).Header
	if gotA.Get("X-AppID") != appA || gotA.Get("X-OpenID") != a.OpenID || gotA.Get("X-UnionID") != a.UnionID {
		t.Errorf("app A: %v", gotA)
	}
	if gotB.Get("X-AppID") != appB || gotB.Get("X-OpenID") != b.OpenID || gotB.Get("X-UnionID") != "" {
		t.Errorf("app B, which has no unionid: %v", gotB)
	}
	// A code of one app is none of the other.
	if got := i.call("POST", "/auth/login", "", fmt.Sprintf(`{"appid":%q,"code":%q}`, appB, a.Code())); got.code() != "invalid_code" {
		t.Errorf("a code of app A at app B: %v", got)
	}
	// What one app learns of a user, the other's user record doesn't have.
	if got := i.call("POST", "/auth/phone", inA, fmt.Sprintf(`{"code":%q}`, a.PhoneCode())); got.status != http.StatusOK {
		t.Fatalf("phone: %v", got)
	}
	if got := i.manage("GET", "/api/users/"+appB+"/"+b.OpenID, adminToken, ""); got.status != http.StatusOK || got.field("phone") != "" {
		t.Errorf("app B's user: %v", got)
	}
	// The relay lists and the access tokens are apart.
	scene := `{"scene":"a=1"}`
	if got := i.manage("POST", "/wx/"+appA+"/wxa/getwxacodeunlimit", wechatToken, scene); got.header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("relay of app A: %v", got)
	}
	if got := i.manage("POST", "/wx/"+appB+"/wxa/getwxacodeunlimit", wechatToken, scene); got.status != http.StatusForbidden {
		t.Errorf("relay of app B, whose list is empty: %v", got)
	}
	tokenOf := func(app string) string {
		return i.manage("GET", "/wx/"+app+"/cgi-bin/token", wechatToken, "").field("access_token")
	}
	if tokenOf(appA) == "" || tokenOf(appA) == tokenOf(appB) {
		t.Error("the apps share an access token")
	}
	// Ending all sessions of one app's user leaves the other's alone.
	if got := i.manage("DELETE", "/api/users/"+appA+"/"+a.OpenID+"/sessions", adminToken, ""); got.field("ended") != "1" {
		t.Errorf("ended: %v", got)
	}
	if got := i.call("GET", "/api/x", inA, ""); got.code() != "session_ended" {
		t.Errorf("app A after its end: %v", got)
	}
	i.call("GET", "/api/x", inB, "").seen(t)
}

func TestEveryRequestLeavesOneLine(t *testing.T) {
	t.Parallel()
	i := newWorld(t).serve(nil)
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
		{"method": "POST", "path": "/auth/login", "route": "auth/login", "status": 200.0, "openid": i.w.user(appA, "alice").OpenID},
		{"method": "GET", "path": "/api/orders", "route": "/api/", "status": 200.0, "openid": i.w.user(appA, "alice").OpenID, "appid": appA},
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

func TestServeSaysWhatItCannotListenOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	defer taken.Close()
	address := taken.Addr().String()
	for want, changes := range map[string]settings{
		"wxgate: listen: ":       {"listen": fmt.Sprintf("%q", address)},
		"wxgate: admin.listen: ": {"admin": fmt.Sprintf("{listen: %q}", address)},
	} {
		changes["shutdown_timeout"] = "31s"
		status, _, stderr := wxgate(t, "serve", "--config", configFile(t, w.config(changes)))
		if status != exitFailed || !strings.HasPrefix(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("want 1 and %q, got %d and %q", want, status, stderr)
		}
	}
}

func TestTheGatewayComesUpBeforeRedis(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.redis.Stop()
	i := w.serveUnready(nil)
	a := i.manage("GET", "/readyz", "", "")
	var said struct{ Problems []string }
	testkit.Must(t, json.Unmarshal(a.body, &said))
	if a.status != http.StatusServiceUnavailable || len(said.Problems) != 1 || said.Problems[0] != "store_unavailable" {
		t.Errorf("readyz: %v", a)
	}
	if a := i.manage("GET", "/healthz", "", ""); a.status != http.StatusOK {
		t.Errorf("healthz: %v", a)
	}
	code := w.user(appA, "alice").Code()
	body := fmt.Sprintf(`{"appid":%q,"code":%q}`, appA, code)
	if a := i.call("POST", "/auth/login", "", body); a.status != http.StatusServiceUnavailable || a.code() != "store_unavailable" || a.header.Get("Retry-After") == "" {
		t.Errorf("login: %v", a)
	}
	w.redis.Start()
	testkit.Eventually(t, "ready", func() bool { return i.ready() == http.StatusOK })
	if a := i.call("POST", "/auth/login", "", body); a.status != http.StatusOK {
		t.Errorf("the same code once Redis is there: %v", a)
	}
}
