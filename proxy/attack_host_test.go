package proxy_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"wxgate/proxy"
)

// to is a GET with a Host line as it is.
func to(host string, lines ...string) string {
	return request(append([]string{"GET /x HTTP/1.1", "Host: " + host}, lines...)...)
}

func hosted(c *proxy.Config) {
	c.Routes = []*proxy.Route{
		{Name: "gw", Host: "gw.test", Path: "/", Auth: proxy.AuthNone},
		{Name: "admin", Host: "admin.test", Path: "/", Auth: proxy.AuthRequired, Roles: []string{"admin"}},
		{Name: "wild", Host: "*.wild.test", Path: "/", Auth: proxy.AuthNone},
	}
}

func TestHostsThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	for id, raws := range map[string][]string{
		"HO-01": {"GET /x HTTP/1.1\r\n\r\n", "GET /x HTTP/1.1\r\nHost:\r\n\r\n", "GET /x HTTP/1.1\r\nHost: \r\n\r\n", "GET /x HTTP/1.0\r\n\r\n",
			"GET /x HTTP/1.1\r\nHost: gw.test\r\nHost: gw.test\r\n\r\n", "GET /x HTTP/1.1\r\nHost: gw.test\r\nhost: admin.test\r\n\r\n"},
		"HO-03": {to("gw.test, admin.test"), to("gw.test,admin.test"), to("gw.test admin.test")},
		"HO-04": {to("gw.test,for=127.0.0.1"), to("gw.test;proto=https"), to(`"gw.test"`), to("gw.test\tx")},
		"HO-07": {to("gw.test:99999"), to("gw.test:abc"), to("gw.test:80:80"), to("user@gw.test"), to("gw.test/x"), to("gw.test?x"), to("gw.test#x"), to("gw.test%00"), to("gw test"),
			to("gw.test:+80"), to("gw.test:0"), to("gw.test:-1"), to("gw.test:80 " + "x"), to(":80"), to("[::1"), to("[]"), to("[gw.test]"), to("::1"), to("gw..test"), to(".gw.test"), to("gw.test.."), to(`gw.test\x`), to("gw.test$"), to("[fe80::1%25eth0]")},
		"HO-15": {to(strings.Repeat("a", 8<<10)), to(strings.Repeat("a", 254)), to(strings.Repeat("a.", 127) + "a"), to("gw.test:" + strings.Repeat("0", 300) + "80")},
		"HO-16": {to("gẃ.test"), to("gw。test"), to("ｇｗ.test"), to("gw.test\u200b"), to("\xffgw.test")},
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			s := a.gatewayWith(t, nil)
			for _, raw := range raws {
				s.refuses(raw)
			}
		})
	}
}

func TestHostsFindTheirOwnRouteOnly(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	for id, hosts := range map[string]map[string]int{
		"HO-06": {"gw.test.": 200, "admin.test.": 401, "ADMIN.TEST": 401, "Admin.Test.": 401, "GW.test.:80": 200},
		"HO-07": {"gw.test:80": 200, "gw.test:": 200, "admin.test:65535": 401},
		"HO-09": {"unknown.test": 404, "127.0.0.1": 404, "[::1]": 404, "[::1]:80": 404, "localhost": 404, "test": 404, "xgw.test": 404, "gw.test.evil": 404},
		"HO-16": {"xn--admin-.test": 404, "xn--gw-cja.test": 404, "xn--gw.test": 404},
		"HO-13": {"a.wild.test": 200, "A.WILD.test": 200, "wild.test": 404, "awild.test": 404, ".wild.test": 400, "a.b.wild.test": 200},
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			s := a.gatewayWith(t, hosted)
			for host, want := range hosts {
				got, _ := s.ask(to(host))
				if got.Status != want {
					t.Errorf("%s: %d, not %d", host, got.Status, want)
				}
				if got.Status != 200 {
					s.untouched(host)
				}
				s.backend.forget()
			}
		})
	}
	t.Run("HO-10", func(t *testing.T) {
		t.Parallel()
		s := a.gatewayWith(t, nil)
		for _, path := range []string{"/auth/login", "/auth/session", "/.well-known/jwks.json", "/public/x", "/auth"} {
			got, _ := s.ask(get(path, "X-Forwarded-Host: evil.test", "X-Ignored: x"))
			other, _ := s.ask(request("GET "+path+" HTTP/1.1", "Host: evil.test", "X-Forwarded-Host: evil.test"))
			if strings.Contains(string(other.Body), "evil.test") || other.Header.Get("Location") != "" || got.Status != other.Status {
				t.Errorf("%s: %d %v %s", path, other.Status, other.Header, other.Body)
			}
		}
	})
}

// behind makes the gateway trust the loopback peer, as a load balancer.
func behind(c *proxy.Config) {
	c.TrustedProxies = proxy.TrustedProxies{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
}

func TestOnlyTrustedProxiesSayWhoTheClientIs(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("XF-01", func(t *testing.T) {
		t.Parallel()
		s := a.gatewayWith(t, nil)
		s.says(api("X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: 5.6.7.8", "X-Real-IP: 1.2.3.4", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.test"),
			map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "gw.test"})
		if !strings.Contains(s.logs.String(), `"client":"127.0.0.1"`) || strings.Contains(s.logs.String(), "1.2.3.4") {
			t.Error("the log names another client")
		}
	})
	t.Run("XF-03", func(t *testing.T) {
		t.Parallel()
		s := a.gatewayWith(t, nil)
		for _, name := range []string{"True-Client-IP", "CF-Connecting-IP", "X-Client-IP", "X-Cluster-Client-IP", "Fastly-Client-IP", "X-Original-Forwarded-For", "X-ProxyUser-Ip",
			"X-Forwarded-Port", "X-Forwarded-Ssl", "X-Forwarded-Whatever", "X-Remote-IP", "Client-IP", "Ali-CDN-Real-IP", "X-Envoy-External-Address", "Via-Proxy-Client-IP"} {
			if q := s.passes(api(name+": 6.6.6.6"), a.openA); name != "Via-Proxy-Client-IP" && len(q.named(name)) != 0 {
				t.Errorf("%s came through", name)
			}
		}
		if q := s.passes(api("Forwarded: for=127.0.0.1;proto=https"), a.openA); len(q.named("Forwarded")) != 0 {
			t.Error("Forwarded came through")
		}
	})
	t.Run("XF-04", func(t *testing.T) {
		t.Parallel()
		s := a.gatewayWith(t, behind)
		s.says(api("X-Forwarded-For: 6.6.6.6, 203.0.113.9"), map[string]string{"X-Real-IP": "203.0.113.9", "X-Forwarded-For": "6.6.6.6, 203.0.113.9, 127.0.0.1"})
		s.says(api("X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.1.2.3"), map[string]string{"X-Real-IP": "203.0.113.9"})
		s.says(api("X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 203.0.113.9"), map[string]string{"X-Real-IP": "203.0.113.9"})
		s.says(api(), map[string]string{"X-Real-IP": "127.0.0.1", "X-Forwarded-For": "127.0.0.1"})
	})
	t.Run("XF-06", func(t *testing.T) {
		t.Parallel()
		s := a.gatewayWith(t, behind)
		for _, told := range []string{"1.2.3.4:80", "[::1]:3", "0177.0.0.1", "0x7f.1", "2130706433", "unknown", "_hidden", `"1.2.3.4"`, "<script>", "1.2.3.4.5", "1.2.3", "1.2.3.4 ;", "%31.2.3.4", ",", "1.2.3.4,,"} {
			q := s.passes(api("X-Forwarded-For: "+told), a.openA)
			for _, name := range []string{"X-Forwarded-For", "X-Real-IP"} {
				for _, v := range q.named(name) {
					if strings.ContainsAny(v, `<>"_%;`) || strings.Contains(v, "unknown") || v == "" {
						t.Errorf("%q: the backend was told %s %q", told, name, v)
					}
				}
			}
			if strings.Contains(s.logs.String(), "<script>") {
				t.Error("garbage in the log")
			}
		}
		s.says(api("X-Forwarded-For: ::ffff:203.0.113.9"), map[string]string{"X-Real-IP": "203.0.113.9"})
	})
	t.Run("XF-07", func(t *testing.T) {
		t.Parallel()
		s := a.gatewayWith(t, behind)
		s.says(api("X-Forwarded-For: 203.0.113.9, ::ffff:10.0.0.1"), map[string]string{"X-Real-IP": "203.0.113.9"})
	})
	t.Run("XF-09", func(t *testing.T) {
		t.Parallel()
		s := a.gatewayWith(t, behind)
		for _, line := range []string{"javascript", "https\tx", "https, javascript", "https,", ",https", "http, https", "ws"} {
			s.says(api("X-Forwarded-Proto: "+line), map[string]string{"X-Forwarded-Proto": "http"})
		}
		for _, line := range []string{"https", "HTTPS ", "wss", "https, http", "Wss,ws"} {
			s.says(api("X-Forwarded-Proto: "+line), map[string]string{"X-Forwarded-Proto": "https"})
		}
		s.says(api("X-Forwarded-Proto: https", "X-Forwarded-Proto: http"), map[string]string{"X-Forwarded-Proto": "https"})
		for _, port := range []string{"0", "443\tx", "70000", "-1", "abc", "443, 80"} {
			if q := s.passes(api("X-Forwarded-Port: "+port), a.openA); len(q.named("X-Forwarded-Port")) != 0 {
				t.Errorf("X-Forwarded-Port %q came through", port)
			}
		}
		s.says(api("X-Forwarded-Port: 443"), map[string]string{"X-Forwarded-Port": "443"})
		for _, host := range []string{"evil.test, gw.test", "evil.test/x", "user@evil.test", "<script>", ""} {
			s.says(api("X-Forwarded-Host: "+host), map[string]string{"X-Forwarded-Host": "gw.test"})
		}
	})
	t.Run("XF-10", func(t *testing.T) {
		t.Parallel()
		for _, change := range []func(*proxy.Config){nil, behind} {
			s := a.gatewayWith(t, change)
			s.says(api("X_Forwarded_Proto: https", "X_Forwarded_For: 6.6.6.6", "X.Forwarded.For: 6.6.6.6", "X_Real_IP: 6.6.6.6", "X-Real_IP: 6.6.6.6", "x-forwarded_for: 6.6.6.6"),
				map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "X-Forwarded-Proto": "http"})
		}
	})
	t.Run("XF-12", func(t *testing.T) {
		t.Parallel()
		s := a.gatewayWith(t, behind)
		s.says(api("Connection: X-Forwarded-For, X-Real-IP", "X-Forwarded-For: 203.0.113.9"), map[string]string{"X-Forwarded-For": "203.0.113.9, 127.0.0.1", "X-Real-IP": "203.0.113.9"})
	})
}

// says: the request passes, and the backend is told exactly these values.
func (s *attackGateway) says(raw string, want map[string]string) {
	s.t.Helper()
	q := s.passes(raw, s.openA)
	for name, value := range want {
		if got := q.named(name); !slices.Equal(got, []string{value}) {
			s.t.Errorf("%.300q: the backend was told %s %q, not %q", raw, name, got, value)
		}
	}
}
