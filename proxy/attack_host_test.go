package proxy_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"wxgate/proxy"
)

// getHost is a GET with this Host line.
func getHost(host string, lines ...string) string {
	return request(append([]string{"GET /x HTTP/1.1", "Host: " + host}, lines...)...)
}

func hostRoutes(c *proxy.Config) {
	c.Routes = []*proxy.Route{
		{Name: "gw", Host: "gw.test", Path: "/", Auth: proxy.AuthNone},
		{Name: "admin", Host: "admin.test", Path: "/", Auth: proxy.AuthRequired, Roles: []string{"admin"}},
		{Name: "wild", Host: "*.wild.test", Path: "/", Auth: proxy.AuthNone},
	}
}

func TestInvalidHostsAreRefused(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	for id, raws := range map[string][]string{
		"HO-01": {"GET /x HTTP/1.1\r\n\r\n", "GET /x HTTP/1.1\r\nHost:\r\n\r\n", "GET /x HTTP/1.1\r\nHost: \r\n\r\n", "GET /x HTTP/1.0\r\n\r\n",
			"GET /x HTTP/1.1\r\nHost: gw.test\r\nHost: gw.test\r\n\r\n", "GET /x HTTP/1.1\r\nHost: gw.test\r\nhost: admin.test\r\n\r\n"},
		"HO-03": {getHost("gw.test, admin.test"), getHost("gw.test,admin.test"), getHost("gw.test admin.test")},
		"HO-04": {getHost("gw.test,for=127.0.0.1"), getHost("gw.test;proto=https"), getHost(`"gw.test"`), getHost("gw.test\tx")},
		"HO-07": {getHost("gw.test:99999"), getHost("gw.test:abc"), getHost("gw.test:80:80"), getHost("user@gw.test"), getHost("gw.test/x"), getHost("gw.test?x"), getHost("gw.test#x"), getHost("gw.test%00"), getHost("gw test"),
			getHost("gw.test:+80"), getHost("gw.test:0"), getHost("gw.test:-1"), getHost("gw.test:80 " + "x"), getHost(":80"), getHost("[::1"), getHost("[]"), getHost("[gw.test]"), getHost("::1"), getHost("gw..test"), getHost(".gw.test"), getHost("gw.test.."), getHost(`gw.test\x`), getHost("gw.test$"), getHost("[fe80::1%25eth0]")},
		"HO-15": {getHost(strings.Repeat("a", 8<<10)), getHost(strings.Repeat("a", 254)), getHost(strings.Repeat("a.", 127) + "a"), getHost("gw.test:" + strings.Repeat("0", 300) + "80")},
		"HO-16": {getHost("gẃ.test"), getHost("gw。test"), getHost("ｇｗ.test"), getHost("gw.test\u200b"), getHost("\xffgw.test")},
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			s := a.newGateway(t, nil)
			for _, raw := range raws {
				s.expectRefused(raw)
			}
		})
	}
}

func TestHostSelectsItsRouteOnly(t *testing.T) {
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
			s := a.newGateway(t, hostRoutes)
			for host, want := range hosts {
				got, _ := s.roundTrip(getHost(host))
				if got.Status != want {
					t.Errorf("%s: %d, not %d", host, got.Status, want)
				}
				if got.Status != 200 {
					s.expectNotForwarded(host)
				}
				s.backend.reset()
			}
		})
	}
	t.Run("HO-10", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		for _, path := range []string{"/auth/login", "/auth/session", "/.well-known/jwks.json", "/public/x", "/auth"} {
			got, _ := s.roundTrip(get(path, "X-Forwarded-Host: evil.test", "X-Ignored: x"))
			other, _ := s.roundTrip(request("GET "+path+" HTTP/1.1", "Host: evil.test", "X-Forwarded-Host: evil.test"))
			if strings.Contains(string(other.Body), "evil.test") || other.Header.Get("Location") != "" || got.Status != other.Status {
				t.Errorf("%s: %d %v %s", path, other.Status, other.Header, other.Body)
			}
		}
	})
}

// trustLoopback makes the gateway trust the peer as a load balancer.
func trustLoopback(c *proxy.Config) {
	c.TrustedProxies = proxy.TrustedProxies{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
}

func TestOnlyTrustedProxiesSetTheClientAddress(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("XF-01", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		s.expectForwardedWith(api("X-Forwarded-For: 1.2.3.4", "X-Forwarded-For: 5.6.7.8", "X-Real-IP: 1.2.3.4", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.test"),
			map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "gw.test"})
		if !strings.Contains(s.logs.String(), `"client":"127.0.0.1"`) || strings.Contains(s.logs.String(), "1.2.3.4") {
			t.Error("the log has another client")
		}
	})
	t.Run("XF-03", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		for _, name := range []string{"True-Client-IP", "CF-Connecting-IP", "X-Client-IP", "X-Cluster-Client-IP", "Fastly-Client-IP", "X-Original-Forwarded-For", "X-ProxyUser-Ip",
			"X-Forwarded-Port", "X-Forwarded-Ssl", "X-Forwarded-Whatever", "X-Remote-IP", "Client-IP", "Ali-CDN-Real-IP", "X-Envoy-External-Address", "Via-Proxy-Client-IP"} {
			if req := s.expectForwarded(api(name+": 6.6.6.6"), a.openA); name != "Via-Proxy-Client-IP" && len(req.headerValues(name)) != 0 {
				t.Errorf("%s was forwarded", name)
			}
		}
		if req := s.expectForwarded(api("Forwarded: for=127.0.0.1;proto=https"), a.openA); len(req.headerValues("Forwarded")) != 0 {
			t.Error("Forwarded was forwarded")
		}
	})
	t.Run("XF-04", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, trustLoopback)
		s.expectForwardedWith(api("X-Forwarded-For: 6.6.6.6, 203.0.113.9"), map[string]string{"X-Real-IP": "203.0.113.9", "X-Forwarded-For": "6.6.6.6, 203.0.113.9, 127.0.0.1"})
		s.expectForwardedWith(api("X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.1.2.3"), map[string]string{"X-Real-IP": "203.0.113.9"})
		s.expectForwardedWith(api("X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 203.0.113.9"), map[string]string{"X-Real-IP": "203.0.113.9"})
		s.expectForwardedWith(api(), map[string]string{"X-Real-IP": "127.0.0.1", "X-Forwarded-For": "127.0.0.1"})
	})
	t.Run("XF-07", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, trustLoopback)
		s.expectForwardedWith(api("X-Forwarded-For: 203.0.113.9, ::ffff:10.0.0.1"), map[string]string{"X-Real-IP": "203.0.113.9"})
	})
}

func TestInvalidForwardedHeadersAreReplaced(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("XF-06", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, trustLoopback)
		for _, value := range []string{"1.2.3.4:80", "[::1]:3", "0177.0.0.1", "0x7f.1", "2130706433", "unknown", "_hidden", `"1.2.3.4"`, "<script>", "1.2.3.4.5", "1.2.3", "1.2.3.4 ;", "%31.2.3.4", ",", "1.2.3.4,,"} {
			req := s.expectForwarded(api("X-Forwarded-For: "+value), a.openA)
			for _, name := range []string{"X-Forwarded-For", "X-Real-IP"} {
				for _, v := range req.headerValues(name) {
					if strings.ContainsAny(v, `<>"_%;`) || strings.Contains(v, "unknown") || v == "" {
						t.Errorf("%q: the backend received %s %q", value, name, v)
					}
				}
			}
			if strings.Contains(s.logs.String(), "<script>") {
				t.Error("an invalid address is in the log")
			}
		}
		s.expectForwardedWith(api("X-Forwarded-For: ::ffff:203.0.113.9"), map[string]string{"X-Real-IP": "203.0.113.9"})
	})
	t.Run("XF-09", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, trustLoopback)
		for _, line := range []string{"javascript", "https\tx", "https, javascript", "https,", ",https", "http, https", "ws"} {
			s.expectForwardedWith(api("X-Forwarded-Proto: "+line), map[string]string{"X-Forwarded-Proto": "http"})
		}
		for _, line := range []string{"https", "HTTPS ", "wss", "https, http", "Wss,ws"} {
			s.expectForwardedWith(api("X-Forwarded-Proto: "+line), map[string]string{"X-Forwarded-Proto": "https"})
		}
		s.expectForwardedWith(api("X-Forwarded-Proto: https", "X-Forwarded-Proto: http"), map[string]string{"X-Forwarded-Proto": "https"})
		for _, port := range []string{"0", "443\tx", "70000", "-1", "abc", "443, 80"} {
			if req := s.expectForwarded(api("X-Forwarded-Port: "+port), a.openA); len(req.headerValues("X-Forwarded-Port")) != 0 {
				t.Errorf("X-Forwarded-Port %q was forwarded", port)
			}
		}
		s.expectForwardedWith(api("X-Forwarded-Port: 443"), map[string]string{"X-Forwarded-Port": "443"})
		for _, host := range []string{"evil.test, gw.test", "evil.test/x", "user@evil.test", "<script>", ""} {
			s.expectForwardedWith(api("X-Forwarded-Host: "+host), map[string]string{"X-Forwarded-Host": "gw.test"})
		}
	})
}

func TestForwardedHeadersCannotBeRemovedOrFolded(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("XF-10", func(t *testing.T) {
		t.Parallel()
		for _, change := range []func(*proxy.Config){nil, trustLoopback} {
			s := a.newGateway(t, change)
			s.expectForwardedWith(api("X_Forwarded_Proto: https", "X_Forwarded_For: 6.6.6.6", "X.Forwarded.For: 6.6.6.6", "X_Real_IP: 6.6.6.6", "X-Real_IP: 6.6.6.6", "x-forwarded_for: 6.6.6.6"),
				map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "X-Forwarded-Proto": "http"})
		}
	})
	t.Run("XF-12", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, trustLoopback)
		s.expectForwardedWith(api("Connection: X-Forwarded-For, X-Real-IP", "X-Forwarded-For: 203.0.113.9"), map[string]string{"X-Forwarded-For": "203.0.113.9, 127.0.0.1", "X-Real-IP": "203.0.113.9"})
	})
}

// expectForwardedWith is expectForwarded, and checks these headers of the outbound request.
func (s *attackGateway) expectForwardedWith(raw string, want map[string]string) {
	s.t.Helper()
	req := s.expectForwarded(raw, s.openA)
	for name, value := range want {
		if got := req.headerValues(name); !slices.Equal(got, []string{value}) {
			s.t.Errorf("%.300q: the backend received %s %q, not %q", raw, name, got, value)
		}
	}
}
