package proxy_test

import (
	"strings"
	"testing"

	"wxgate/proxy"
)

func TestIdentityHeadersOfCloudBaseAreStripped(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	s := a.newGateway(t, trustLoopback)
	for _, name := range []string{"X-Cloudbase-Context", "X-CloudBase-Credentials", "x-cloudbase-authorization", "X-SCF-Private-Environment", "X-TT-OPENID", "X-WX-FROM-OPENID"} {
		for _, raw := range []string{api(name + ": oEVIL"), get("/public/x", name+": oEVIL")} {
			if got, _ := s.roundTrip(raw); got.Status != 200 {
				t.Fatalf("%s: %d", name, got.Status)
			}
			if all := s.backend.requests(); strings.Contains(string(all[len(all)-1]), "oEVIL") {
				t.Errorf("%s reached the backend", name)
			}
		}
	}
}

func TestHeadersListedInABackendsConnectionAreStripped(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	for _, connection := range []string{"X-Internal", "close, X-Internal", "X-Internal, close", "keep-alive, x-internal"} {
		s := a.newGateway(t, nil)
		s.backend.respondWith("HTTP/1.1 200 OK\r\nConnection: " + connection + "\r\nX-Internal: secret\r\nX-Other: ok\r\nContent-Length: 0\r\n\r\n")
		got, _ := s.roundTrip(get("/public/x"))
		if got.Status != 200 || got.Header.Get("X-Internal") != "" || got.Header.Get("X-Other") != "ok" {
			t.Errorf("Connection: %s: %d %v", connection, got.Status, got.Header)
		}
	}
}

func TestHeadersThatTheGatewayExtendsAreOnOneLine(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	s := a.newGateway(t, func(c *proxy.Config) {
		trustLoopback(c)
		c.Routes = append(c.Routes, &proxy.Route{Name: "h5", Path: "/h5/", Auth: proxy.AuthNone, CORSOrigins: []string{"https://good.test"}})
	})
	req := s.expectForwarded(api("Cookie: a=1", "Cookie: b=2", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 10.0.0.1", "Forwarded: for=1", "Forwarded: for=2",
		"X-Forwarded-Host: one.test", "X-Forwarded-Proto: https", "X-Forwarded-Proto: http", "X-Request-ID: one", "X-Request-ID: two"), a.openA)
	for name, want := range map[string]string{
		"Cookie": "a=1; b=2", "X-Forwarded-For": "203.0.113.9, 10.0.0.1, 127.0.0.1", "Forwarded": "for=1, for=2", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "one.test",
	} {
		if got := req.headerValues(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, not %q", name, got, want)
		}
	}
	if got := req.headerValues("X-Request-ID"); len(got) != 1 {
		t.Errorf("X-Request-ID: %q", got)
	}
	s.backend.respondWith("HTTP/1.1 200 OK\r\nVary: Accept\r\nVary: Cookie\r\nAccess-Control-Expose-Headers: X-Total, retry-after\r\n" +
		"Access-Control-Expose-Headers: X-Page\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 0\r\n\r\n")
	got, _ := s.roundTrip(request("GET /h5/x HTTP/1.1", "Host: gw.test", "Origin: https://good.test"))
	for name, want := range map[string]string{
		"Vary":                          "Accept, Cookie, Origin",
		"Access-Control-Expose-Headers": "X-Session-Token, X-Gateway-Error, X-Request-ID, Retry-After, X-Total, X-Page",
		"Access-Control-Allow-Origin":   "https://good.test",
	} {
		if values := got.Header[name]; len(values) != 1 || values[0] != want {
			t.Errorf("%s: %q", name, values)
		}
	}
}
