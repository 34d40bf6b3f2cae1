package admin_test

import (
	"fmt"
	"net/http"
	"testing"
)

// calls returns the calls of the private listener by the scope that they need.
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

func TestEachCallNeedsATokenWithItsScope(t *testing.T) {
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

func TestTheTokenIsAcceptedInOneBearerHeaderOnly(t *testing.T) {
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
