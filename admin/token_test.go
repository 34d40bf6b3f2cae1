package admin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"wxgate/internal/testkit"
)

// calls are all calls of the private listener with the scope that each asks for.
func calls(openid, sid string) map[string][]string {
	user := "/api/users/" + app + "/" + openid
	return map[string][]string{
		"admin": {
			"GET " + user, "DELETE " + user + "/sessions", "PUT " + user + "/ban", "DELETE " + user + "/ban",
			"GET /api/sessions/" + sid, "DELETE /api/sessions/" + sid, "DELETE /api/apps/" + app + "/sessions", "GET /api/users?phone=1&appid=" + app,
		},
		"wechat": {
			"POST " + user + "/decrypt", "POST " + user + "/sign", "GET /wx/" + app + "/cgi-bin/token",
			"POST /wx/" + app + "/cgi-bin/stable_token", "POST /wx/" + app + "/wxa/getwxacodeunlimit",
		},
	}
}

func TestEachCallAsksForATokenWithItsScope(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	for scope, list := range calls("someone", "nosuchsession") {
		right, wrong := adminToken, wechatToken
		if scope == "wechat" {
			right, wrong = wrong, right
		}
		for _, call := range list {
			var method, path string
			fmt.Sscan(call, &method, &path)
			for _, c := range []struct{ token, want string }{
				{"", "401 token_missing"},
				{"token-of-nobody", "401 token_invalid"},
				{right + "x", "401 token_invalid"},
				{right[:len(right)-1], "401 token_invalid"},
				{wrong, "403 forbidden"},
			} {
				a := env.call(method, path, c.token, "{}")
				if outcome(a) != c.want {
					t.Errorf("%s with %q: want %s, got %v", call, c.token, c.want, a)
				}
				if (a.Status == http.StatusUnauthorized) != (a.Header.Get("WWW-Authenticate") != "") {
					t.Errorf("%s: WWW-Authenticate %q with %d", call, a.Header.Get("WWW-Authenticate"), a.Status)
				}
			}
			for _, token := range []string{right, bothToken} {
				if a := env.call(method, path, token, "{}"); a.Status == http.StatusUnauthorized || a.Code() == "forbidden" {
					t.Errorf("%s with %s: %v", call, token, a)
				}
			}
		}
	}
}

func TestTheTokenComesInOneBearerHeader(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	path := "/api/users/" + app + "/nobody"
	for _, c := range []struct {
		headers []string
		want    string
	}{
		{[]string{"Authorization", "bearer " + adminToken}, "404 not_found"},
		{[]string{"Authorization", adminToken}, "401 token_invalid"},
		{[]string{"Authorization", "Basic " + adminToken}, "401 token_invalid"},
		{[]string{"Authorization", "Bearer "}, "401 token_invalid"},
		{[]string{"Authorization", "Bearer " + adminToken, "Authorization", "Bearer " + adminToken}, "401 token_invalid"},
		{[]string{"X-Token", adminToken}, "401 token_missing"},
	} {
		if a := env.call("GET", path, "", "", c.headers...); outcome(a) != c.want {
			t.Errorf("%q: want %s, got %v", c.headers, c.want, a)
		}
	}
	if a := env.call("GET", path+"?access_token="+adminToken, "", ""); outcome(a) != "401 token_missing" {
		t.Errorf("in the query: %v", a)
	}
}

func TestHealthMetricsAndKeysAreOpen(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/.well-known/jwks.json"} {
		for _, method := range []string{"GET", "HEAD"} {
			if a := env.call(method, path, "", ""); a.Status != http.StatusOK {
				t.Errorf("%s %s: %v", method, path, a)
			}
		}
	}
	env.draining.Store(true)
	if a := env.call("GET", "/readyz", "", ""); a.Status != http.StatusServiceUnavailable {
		t.Errorf("while draining: %v", a)
	}
	if a := env.call("GET", "/healthz", "", ""); a.Status != http.StatusOK {
		t.Errorf("alive while draining: %v", a)
	}
}

func TestReadinessWithoutTheStore(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.redis.Stop()
	if a := env.call("GET", "/readyz?store=ignore", "", ""); a.Status != http.StatusOK {
		t.Errorf("without Redis: %v", a)
	}
	if a := env.call("GET", "/readyz?store=x", "", ""); a.Status != http.StatusServiceUnavailable {
		t.Errorf("another value: %v", a)
	}
	env.draining.Store(true)
	if a := env.call("GET", "/readyz?store=ignore", "", ""); a.Status != http.StatusServiceUnavailable || !strings.Contains(string(a.Body), `["draining"]`) {
		t.Errorf("while draining: %v", a)
	}
}

func TestReadinessSaysThatRedisIsAway(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.redis.Stop()
	a := env.call("GET", "/readyz", "", "")
	var said struct {
		Status   string
		Problems []string
	}
	a.JSON(t, &said)
	if a.Status != http.StatusServiceUnavailable || said.Status != "not_ready" || fmt.Sprint(said.Problems) != "[store_unavailable]" {
		t.Errorf("without Redis: %v", a)
	}
	if a := env.call("GET", "/api/users/"+app+"/x", adminToken, ""); outcome(a) != "503 store_unavailable" || a.Header.Get("Retry-After") == "" {
		t.Errorf("a call without Redis: %v", a)
	}
	env.redis.Start()
	testkit.Eventually(t, "ready again", func() bool { return env.call("GET", "/readyz", "", "").Status == http.StatusOK })
}

func TestUnknownCallsAndMethodsAreRefused(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	for call, want := range map[string]string{
		"GET /":                         "404 not_found",
		"GET /auth/session":             "404 not_found",
		"GET /api":                      "404 not_found",
		"GET /wx/" + app:                "404 not_found",
		"POST /healthz":                 "405 method_not_allowed",
		"POST /api/users/" + app + "/x": "405 method_not_allowed",
		"GET /api/../api/users/a/b":     "400 bad_path",
		"GET /api//users/a/b":           "400 bad_path",
		"GET /wx/" + app + "/wxa%2fx":   "400 bad_path",
		"GET /wx/" + app + "/..;/x":     "400 bad_path",
	} {
		var method, path string
		fmt.Sscan(call, &method, &path)
		a := env.call(method, path, bothToken, "")
		if outcome(a) != want || a.Header.Get("X-Request-ID") == "" {
			t.Errorf("%s: want %s, got %v", call, want, a)
		}
	}
	if a := env.call("PATCH", "/api/users/"+app+"/x/ban", adminToken, ""); a.Header.Get("Allow") != "PUT, DELETE" {
		t.Errorf("Allow: %q", a.Header.Get("Allow"))
	}
	if a := env.call("GET", "/", "", "", "X-Request-ID", "told-by-the-caller"); a.Header.Get("X-Request-ID") != "told-by-the-caller" {
		t.Errorf("the request id is %q", a.Header.Get("X-Request-ID"))
	}
}
