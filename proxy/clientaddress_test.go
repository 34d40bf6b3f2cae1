package proxy_test

import (
	"strings"
	"testing"
)

func TestXForwardedForIsParsedInEveryForm(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	s := a.newGateway(t, trustLoopback)
	for sent, client := range map[string]string{
		"203.0.113.9:4711":                     "203.0.113.9",
		"[2001:db8::9]:4711":                   "2001:db8::9",
		"[2001:db8::9]":                        "2001:db8::9",
		"2001:db8::9":                          "2001:db8::9",
		"6.6.6.6, 203.0.113.9:80, 10.0.0.1:99": "203.0.113.9",
		"203.0.113.9 , [::ffff:10.0.0.1]:5":    "203.0.113.9",
		"fe80::1%eth0":                         "fe80::1",
	} {
		req := s.expectForwarded(api("X-Forwarded-For: "+sent), a.openA)
		if got := req.headerValues("X-Real-IP"); len(got) != 1 || got[0] != client {
			t.Errorf("%q: the client is %q, not %q", sent, got, client)
		}
	}
	for _, invalid := range []string{"203.0.113.9:", "203.0.113.9:99999", "[203.0.113.9", "203.0.113.9]", "unknown", "_hidden", "a:80", "203.0.113.9,,10.0.0.1"} {
		req := s.expectForwarded(api("X-Forwarded-For: "+invalid), a.openA)
		if got := req.headerValues("X-Real-IP"); len(got) != 1 || got[0] != "127.0.0.1" {
			t.Errorf("%q: the client is %q", invalid, got)
		}
	}
}

func TestMissingTrustedProxyIsLoggedOnceAMinute(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	s := a.newGateway(t, nil)
	for range 5 {
		s.expectForwarded(api("X-Forwarded-For: 203.0.113.9"), a.openA)
	}
	if n := strings.Count(s.logs.String(), "trusted_proxies"); n != 1 {
		t.Errorf("%d warnings", n)
	}
	withProxy := a.newGateway(t, trustLoopback)
	withProxy.expectForwarded(api("X-Forwarded-For: 203.0.113.9"), a.openA)
	if strings.Contains(withProxy.logs.String(), "trusted_proxies") {
		t.Error("a warning was logged about a listed proxy")
	}
}
