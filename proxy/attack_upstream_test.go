package proxy_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"wxgate/internal/testkit"
	"wxgate/proxy"
	"wxgate/proxy/upstream"
)

func TestOriginsAreComparedExactly(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	cors := func(c *proxy.Config) {
		for _, rt := range c.Routes {
			rt.CORSOrigins = []string{"https://good.test"}
		}
	}
	t.Run("CO-01", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, cors)
		s.backend.respondWith("HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\nVary: X-Original\r\nContent-Length: 0\r\n\r\n")
		for _, origin := range []string{"https://evil", "null", "https://good.test.evil", "https://evilgood.test", "http://good.test", "https://good.test:444", "https://good.test/", "HTTPS://GOOD.TEST", "https://good.test, https://evil", "https://x.good.test", ""} {
			for _, path := range []string{"/public/x", "/auth/session"} {
				got, _ := s.roundTrip(get(path, "Origin: "+origin))
				if got.Header.Get("Access-Control-Allow-Origin") != "" || got.Header.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(strings.Join(got.Header["Vary"], ","), "Origin") {
					t.Errorf("%s for %q: %v", path, origin, got.Header)
				}
			}
		}
		got, _ := s.roundTrip(get("/public/x", "Origin: https://good.test", "Origin: https://evil"))
		if got.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("two origins: %v", got.Header)
		}
		got, _ = s.roundTrip(get("/public/x", "Origin: https://good.test"))
		if got.Header.Get("Access-Control-Allow-Origin") != "https://good.test" || got.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("the allowed origin: %v", got.Header)
		}
	})
	t.Run("CO-02", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, cors)
		preflight := func(origin string) string {
			return request("OPTIONS /api/admin/secret HTTP/1.1", "Host: gw.test", "Origin: "+origin, "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: authorization")
		}
		if got, _ := s.roundTrip(preflight("https://good.test")); got.Status != 204 || got.Header.Get("Access-Control-Allow-Origin") != "https://good.test" || !strings.Contains(got.Header.Get("Access-Control-Allow-Methods"), "PUT") {
			t.Errorf("%d %v", got.Status, got.Header)
		}
		s.expectError(preflight("https://evil.test"), 403, "forbidden")
		s.expectNotForwarded("preflight")
	})
}

func TestRequestsCannotChooseTheUpstream(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("SS-01", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, hostRoutes)
		s.expectError(get("http://169.254.169.254/latest/meta-data/"), 404, "no_route")
		s.expectError("GET http://169.254.169.254/latest/meta-data/ HTTP/1.1\r\nHost: gw.test\r\n\r\n", 404, "no_route")
		s.expectError("CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: 169.254.169.254:80\r\n\r\n", 405, "method_not_allowed")
		s.expectError("CONNECT /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n", 405, "method_not_allowed")
		s.expectError("CONNECT /nowhere HTTP/1.1\r\nHost: gw.test\r\n\r\n", 405, "method_not_allowed")
	})
	t.Run("SS-02", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		s.expectForwarded(get("/public/x", "X-Skipper-Proxy: http://169.254.169.254", "X-Upstream: http://127.0.0.1:1", "X-Backend: http://127.0.0.1:1", "X-Proxy-Url: http://127.0.0.1:1", "Proxy: http://127.0.0.1:1", "X-Host: 127.0.0.1:1"), "")
	})
}

func TestRetriesNeverRepeatASentRequest(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	over := func(t *testing.T, addrs ...string) *attackGateway {
		s := a.newGateway(t, nil)
		routes := defaultRoutes()
		for _, rt := range routes {
			rt.Upstream = plainGroup(t, append(addrs, s.backend.addr)...)
		}
		s.setRoutes(routes...)
		return s
	}
	t.Run("RT-01", func(t *testing.T) {
		t.Parallel()
		resetting := newRecorder(t)
		resetting.respondFunc(func(backendRequest) string { return "" })
		s := over(t, resetting.addr)
		for range 6 {
			s.roundTrip(post("hello", "Content-Length: 5"))
			s.roundTrip(post("", "Content-Length: 0"))
			s.roundTrip(post("hello", "Content-Length: 5", "Idempotency-Key: 0123456789abcdef"))
		}
		if n, m := len(resetting.requests()), len(s.backend.requests()); n == 0 || n+m != 18 {
			t.Errorf("%d requests reached one backend and %d the other, of 18", n, m)
		}
	})
	t.Run("RT-02", func(t *testing.T) {
		t.Parallel()
		s := over(t, unusedAddress(t))
		for range 6 {
			s.expectForwarded(api(), a.openA)
		}
		down := a.newGateway(t, nil)
		down.setRoutes(&proxy.Route{Name: "api", Path: "/api/", Auth: proxy.AuthRequired, Upstream: plainGroup(t, unusedAddress(t), unusedAddress(t))})
		for range 20 {
			if got, _ := down.roundTrip(api()); got.Status != 502 && got.Status != 503 {
				t.Errorf("all down: %d", got.Status)
			}
		}
	})
}

func TestFailedBackendRecovers(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("RT-05", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		routes := defaultRoutes()
		for _, rt := range routes {
			rt.Upstream = group(t, upstream.Config{Name: "failing", Timeout: time.Second, Eject: upstream.Eject{Failures: 2, For: 50 * time.Millisecond}}, "http://"+s.backend.addr)
		}
		s.setRoutes(routes...)
		s.backend.respondFunc(func(backendRequest) string { return "" })
		for range 5 {
			if got, _ := s.roundTrip(api()); got.Status != 502 && got.Status != 503 {
				t.Errorf("down: %d", got.Status)
			}
		}
		s.backend.respondFunc(nil)
		testkit.Within(t, 5*time.Second, "the endpoint recovers", func() bool { got, _ := s.roundTrip(api()); return got.Status == 200 })
	})
}

func TestRequestsReachTheBackendOfTheirRoute(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("RT-07", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		var routes []*proxy.Route
		var backends []*recorder
		for i := range 8 {
			b := newRecorder(t)
			backends = append(backends, b)
			routes = append(routes, &proxy.Route{Name: fmt.Sprint("r", i), Path: fmt.Sprintf("/r%d/", i), Auth: proxy.AuthRequired, Upstream: plainGroup(t, b.addr)})
		}
		s.setRoutes(routes...)
		var all sync.WaitGroup
		for i := range backends {
			all.Go(func() {
				c := s.dial()
				for range 50 {
					c.send(get(fmt.Sprintf("/r%d/x", i), "@A"))
					if got, err := c.readResponse("GET"); err != nil || got.Status != 200 {
						t.Errorf("%d, %v", got.Status, err)
						return
					}
				}
			})
		}
		all.Wait()
		for i, b := range backends {
			if n := len(b.requests()); n != 50 {
				t.Errorf("backend %d received %d requests", i, n)
			}
			for _, req := range b.requests() {
				if !strings.HasPrefix(req.target(), fmt.Sprintf("/r%d/", i)) {
					t.Errorf("backend %d received %s", i, req.target())
				}
			}
		}
	})
}

func TestBackendCertificatesAreVerified(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("TL-03", func(t *testing.T) {
		t.Parallel()
		now := time.Now()
		for name, valid := range map[string]struct {
			names []string
			until time.Time
		}{"self-signed": {[]string{"127.0.0.1"}, now.Add(time.Hour)}, "expired": {[]string{"127.0.0.1"}, now.Add(-time.Hour)}, "another name": {[]string{"other.test"}, now.Add(time.Hour)}} {
			certificate := testkit.MustCertificate(t, testkit.CertificateOptions{NotAfter: valid.until, Hosts: valid.names}).TLS()
			b := httptest.NewUnstartedServer(http.HandlerFunc(echo))
			b.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
			b.Config.ErrorLog = zap.NewStdLog(zap.NewNop())
			b.StartTLS()
			t.Cleanup(b.Close)
			s := a.newGateway(t, nil)
			s.setRoutes(&proxy.Route{Name: "api", Path: "/api/", Auth: proxy.AuthRequired, Upstream: group(t, upstream.Config{Name: "tls"}, b.URL)})
			if got, _ := s.roundTrip(api()); got.Status != 502 || got.Code() != "upstream_error" || strings.Contains(string(got.Body), "x509") {
				t.Errorf("%s: %d %s", name, got.Status, got.Body)
			}
		}
	})
}

func TestTLSVersionsAndCiphersAreModern(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("TL-05", func(t *testing.T) {
		t.Parallel()
		addr := a.listenTLS(t)
		for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
			if c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version}); err == nil {
				c.Close()
				t.Errorf("version %x is accepted", version)
			}
		}
		for _, suite := range []uint16{tls.TLS_RSA_WITH_RC4_128_SHA, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA, tls.TLS_RSA_WITH_AES_128_CBC_SHA} {
			if c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite}}); err == nil {
				c.Close()
				t.Errorf("suite %x is accepted", suite)
			}
		}
		for _, proto := range []string{"h2", "http/1.1"} {
			c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{proto}})
			testkit.Must(t, err)
			if c.ConnectionState().NegotiatedProtocol != proto {
				t.Errorf("%s was not negotiated", proto)
			}
			c.Close()
		}
	})
}

func TestTLSHandshakeTimesOutAndAuthorizesNothing(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("DS-11 in the handshake", func(t *testing.T) {
		t.Parallel()
		addr := a.listenTLS(t)
		var open []net.Conn
		for _, partial := range []string{"", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"} {
			c, err := net.Dial("tcp", addr)
			testkit.Must(t, err)
			defer c.Close()
			_, _ = c.Write([]byte(partial))
			_ = c.SetReadDeadline(time.Now().Add(15 * time.Second))
			open = append(open, c)
		}
		start := time.Now()
		for _, c := range open {
			if _, err := c.Read(make([]byte, 1)); err == nil || time.Since(start) > 14*time.Second {
				t.Errorf("an incomplete handshake was not closed within %v", time.Since(start))
			}
		}
	})
	t.Run("HO-13 over TLS", func(t *testing.T) {
		t.Parallel()
		addr := a.listenTLS(t)
		c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, ServerName: "public.test"})
		testkit.Must(t, err)
		defer c.Close()
		_, _ = fmt.Fprint(c, a.tokens.Replace(get("/api/admin/secret", "@A")))
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		testkit.Must(t, err)
		if res.StatusCode != 403 {
			t.Errorf("the server name in the handshake must not authorize: %d", res.StatusCode)
		}
	})
}

// listenTLS starts a gateway with the default routes over TLS.
func (a *attackEnv) listenTLS(t *testing.T) string {
	t.Helper()
	certificate := testkit.MustCertificate(t, testkit.CertificateOptions{Hosts: []string{"gw.test"}}).TLS()
	get := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, nil }
	s := a.newGateway(t, nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	server := proxy.NewServer(s.gateway, proxy.ServerConfig{MaxHeader: 32 << 10, ReadHeaderTimeout: 5 * time.Second, TLS: proxy.TLSConfig(get), Log: zap.NewNop()})
	go server.Serve(ln)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			server.Close()
		}
	})
	return ln.Addr().String()
}
