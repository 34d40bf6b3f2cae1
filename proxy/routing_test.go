package proxy_test

import (
	"strings"
	"testing"

	"wxgate/proxy"
)

func TestMethodOverrideOnlyIfAllowed(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{routes: []*proxy.Route{
		{Name: "with", Path: "/with/", Auth: proxy.AuthNone, MethodOverride: true, Methods: []string{"POST", "PATCH"}},
		{Name: "without", Path: "/without/", Auth: proxy.AuthNone},
	}})
	for _, c := range []struct{ method, path, override, want string }{
		{"POST", "/with/x", "PATCH", "PATCH"},
		{"POST", "/with/x", "DELETE", ""},
		{"POST", "/with/x", "CONNECT", ""},
		{"POST", "/without/x", "DELETE", "POST"},
		{"GET", "/without/x", "DELETE", "GET"},
	} {
		res := env.call(c.method, c.path, "", "", "X-HTTP-Method-Override", c.override)
		var got echoResponse
		if res.Status == 200 {
			res.JSON(t, &got)
		}
		if got.Method != c.want || got.Header.Get("X-Http-Method-Override") != "" {
			t.Errorf("%s %s as %s: %d, the backend received %q", c.method, c.path, c.override, res.Status, got.Method)
		}
	}
}

func TestAcceptedFormsOfTheRequestLine(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	s := a.newGateway(t, func(c *proxy.Config) {
		c.Routes = append(c.Routes, &proxy.Route{Name: "all", Path: "/", Auth: proxy.AuthNone})
	})
	for raw, target := range map[string]string{
		"GET http://gw.test HTTP/1.1\r\nHost: gw.test\r\n\r\n":           "/",
		"GET http://gw.test?x=1 HTTP/1.1\r\nHost: gw.test\r\n\r\n":       "/?x=1",
		"GET http://gw.test/a?x=1 HTTP/1.1\r\nHost: gw.test\r\n\r\n":     "/a?x=1",
		"\r\nGET /after-an-empty-line HTTP/1.1\r\nHost: gw.test\r\n\r\n": "/after-an-empty-line",
	} {
		if req := s.expectForwarded(raw, ""); req.target() != target {
			t.Errorf("%q was forwarded as %s", raw, req.target())
		}
	}
}

func TestGatewayRespondsToServerOptions(t *testing.T) {
	t.Parallel()
	s := newAttackEnv(t).newGateway(t, nil)
	got, _ := s.roundTrip(request("OPTIONS * HTTP/1.1", "Host: gw.test"))
	if got.Status != 204 || !strings.Contains(got.Header.Get("Allow"), "GET") || got.Header.Get("X-Request-Id") == "" || got.Header.Get("Content-Length") != "" {
		t.Errorf("%d %v", got.Status, got.Header)
	}
	s.expectNotForwarded("OPTIONS *")
	s.expectRefused(request("GET * HTTP/1.1", "Host: gw.test"))
}
