package proxy_test

import (
	"testing"
	"time"

	"wxgate/proxy"
	"wxgate/session"
)

func TestHeadIsServedWhereGetIs(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{})
	token := env.login("alice")
	for _, path := range []string{"/auth/session", "/auth/profile", "/.well-known/jwks.json", "/api/x"} {
		got, want := env.call("HEAD", path, token, ""), env.call("GET", path, token, "")
		if got.Status != 200 || len(got.Body) != 0 || got.Header.Get("Content-Type") != want.Header.Get("Content-Type") {
			t.Errorf("HEAD %s: %d %v", path, got.Status, got.Header)
		}
	}
	if res := env.call("HEAD", "/auth/login", token, ""); res.Status != 405 || res.Header.Get("Allow") != "POST" {
		t.Errorf("HEAD of login: %d, Allow %q", res.Status, res.Header.Get("Allow"))
	}
	if res := env.call("DELETE", "/auth/profile", token, ""); res.Status != 405 || res.Header.Get("Allow") != "GET, HEAD, PUT" {
		t.Errorf("DELETE of profile: %d, Allow %q", res.Status, res.Header.Get("Allow"))
	}
}

func TestLogoutAcceptsAnEmptyBodyButNoInvalidOne(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	s := a.newGateway(t, nil)
	logout := func(body string, lines ...string) string {
		return request(append([]string{"POST /auth/logout HTTP/1.1", "Host: gw.test", "Authorization: Bearer " + a.openSession(session.Login{AppID: appID, OpenID: "oLogout-0123456"})}, lines...)...) + body
	}
	for name, raw := range map[string]string{
		"empty chunked": logout("0\r\n\r\n", "Transfer-Encoding: chunked"), "blank": logout(" \n", "Content-Length: 2"), "no body": logout(""), "JSON": logout("{}", "Content-Length: 2"),
	} {
		if got, _ := s.roundTrip(raw); got.Status != 204 {
			t.Errorf("%s: %d %s", name, got.Status, got.Code())
		}
	}
	for name, raw := range map[string]string{
		"invalid chunk": logout("5\r\n{\"al\r\nzz", "Transfer-Encoding: chunked"), "incomplete JSON": logout(`{"all`, "Content-Length: 5"), "an array": logout("[]", "Content-Length: 2"),
	} {
		if got, _ := s.roundTrip(raw); got.Status != 400 {
			t.Errorf("%s: %d %s", name, got.Status, got.Code())
		}
	}
	c := s.dial()
	c.send(logout(`{"all":`, "Content-Length: 12"))
	c.conn.(interface{ CloseWrite() error }).CloseWrite()
	if got, err := c.readResponse("POST"); err == nil && got.Status == 204 {
		t.Error("an incomplete body logged the user out")
	}
}

func TestOwnEndpointsAreLimitedPerUser(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{config: func(c *proxy.Config) { c.Endpoints.PerUser = session.Rate{Count: 3, Per: time.Hour} }})
	alice, bob := env.login("alice"), env.login("bob")
	second := env.login("alice") // another session of the same user
	for i, token := range []string{alice, second, alice} {
		if res := env.call("POST", "/auth/check", token, ""); res.Status != 200 {
			t.Fatalf("call %d: %d %s", i, res.Status, res.Code())
		}
	}
	for _, call := range []struct{ method, path string }{{"POST", "/auth/check"}, {"GET", "/auth/session"}, {"POST", "/auth/refresh"}, {"GET", "/auth/profile"}} {
		if res := env.call(call.method, call.path, second, ""); res.Status != 429 || res.Code() != "rate_limited" || res.Header.Get("Retry-After") == "" {
			t.Errorf("%s beyond the limit: %d %s", call.path, res.Status, res.Code())
		}
	}
	if res := env.call("GET", "/auth/session", bob, ""); res.Status != 200 {
		t.Errorf("bob: %d", res.Status)
	}
	if res := env.call("GET", "/api/x", alice, ""); res.Status != 200 {
		t.Errorf("a route: %d", res.Status)
	}
}
