package proxy_test

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/proxy"
	"wxgate/session"
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
		q := s.expectForwarded(api("X-Forwarded-For: "+sent), a.openA)
		if got := q.headerValues("X-Real-IP"); len(got) != 1 || got[0] != client {
			t.Errorf("%q: the client is %q, not %q", sent, got, client)
		}
	}
	for _, invalid := range []string{"203.0.113.9:", "203.0.113.9:99999", "[203.0.113.9", "203.0.113.9]", "unknown", "_hidden", "a:80", "203.0.113.9,,10.0.0.1"} {
		q := s.expectForwarded(api("X-Forwarded-For: "+invalid), a.openA)
		if got := q.headerValues("X-Real-IP"); len(got) != 1 || got[0] != "127.0.0.1" {
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

// shopRoute configures a route with a prefix that its backend does not have.
func shopRoute(change func(*proxy.Route)) func(*proxy.Config) {
	return func(c *proxy.Config) {
		rt := &proxy.Route{
			Name: "shop", Path: "/shop/", StripPrefix: "/shop", Auth: proxy.AuthRequired, RewriteRedirects: true, WebSocket: true,
			BackendURLs: []*url.URL{{Scheme: "http", Host: "10.1.2.3:8080"}},
		}
		if change != nil {
			change(rt)
		}
		c.Routes = []*proxy.Route{rt, {Name: "public", Path: "/public/", Auth: proxy.AuthNone}}
	}
}

func TestStrippedPrefixIsForwardedAndRestoredInResponses(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	response := "HTTP/1.1 302 Found\r\nLocation: http://10.1.2.3:8080/login?next=1\r\nSet-Cookie: a=1; Path=/cart\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n"
	s := a.newGateway(t, shopRoute(nil))
	s.backend.respondWith(response)
	got, _ := s.roundTrip(request("GET /shop/x HTTP/1.1", "Host: gw.test", "@A", "X-Forwarded-Prefix: /evil"))
	if location := got.Header.Get("Location"); location != "/shop/login?next=1" {
		t.Errorf("Location: %q", location)
	}
	if cookies := got.Header["Set-Cookie"]; !slices.Equal(cookies, []string{"a=1; Path=/shop/cart", "b=2"}) {
		t.Errorf("Set-Cookie: %q", cookies)
	}
	q := s.backend.requests()[0]
	if prefix := q.headerValues("X-Forwarded-Prefix"); q.target() != "/x" || !slices.Equal(prefix, []string{"/shop"}) {
		t.Errorf("target %s, X-Forwarded-Prefix %q", q.target(), prefix)
	}
	nested := a.newGateway(t, func(c *proxy.Config) { shopRoute(nil)(c); trustLoopback(c) })
	nested.roundTrip(request("GET /shop/x HTTP/1.1", "Host: gw.test", "@A", "X-Forwarded-Prefix: /outer"))
	nested.roundTrip(request("GET /public/x HTTP/1.1", "Host: gw.test", "X-Forwarded-Prefix: //evil.test"))
	for i, want := range [][]string{{"/outer/shop"}, nil} {
		if got := nested.backend.requests()[i].headerValues("X-Forwarded-Prefix"); !slices.Equal(got, want) {
			t.Errorf("behind a proxy, request %d: X-Forwarded-Prefix %q", i, got)
		}
	}
	pass := a.newGateway(t, shopRoute(func(rt *proxy.Route) { rt.RewriteRedirects = false }))
	pass.backend.respondWith(response)
	if got, _ := pass.roundTrip(request("GET /shop/x HTTP/1.1", "Host: gw.test", "@A")); got.Header.Get("Location") != "http://10.1.2.3:8080/login?next=1" || got.Header["Set-Cookie"][0] != "a=1; Path=/cart" {
		t.Errorf("redirects: pass: %v", got.Header)
	}
}

func TestWebSocketHeadersAreSpelledAsInRFC6455(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	s := a.newGateway(t, nil)
	s.backend.respondWith("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nsec-websocket-accept: x\r\nsec-websocket-protocol: chat\r\n\r\n")
	c := s.dial()
	c.send(request("GET /ws HTTP/1.1", "Host: gw.test", "@A", "Connection: Upgrade", "Upgrade: websocket", "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
		"SEC-WEBSOCKET-VERSION: 13", "sec-websocket-protocol: chat", "sec-websocket-extensions: x"))
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		line, err := c.r.ReadString('\n')
		testkit.Must(t, err)
		head.WriteString(line)
	}
	for where, raw := range map[string]string{"client": head.String(), "backend": string(s.backend.requests()[0])} {
		names := []string{"\r\nSec-WebSocket-Protocol: chat\r\n"}
		if where == "client" {
			names = append(names, "\r\nSec-WebSocket-Accept: x\r\n")
		} else {
			names = append(names, "\r\nSec-WebSocket-Key: ", "\r\nSec-WebSocket-Version: 13\r\n", "\r\nSec-WebSocket-Extensions: x\r\n")
		}
		for _, name := range names {
			if !strings.Contains(raw, name) {
				t.Errorf("the %s did not receive %q:\n%s", where, name, raw)
			}
		}
	}
	s.backend.respondWith("HTTP/1.1 426 Upgrade Required\r\nsec-websocket-version: 13\r\nContent-Length: 0\r\n\r\n")
	refused := s.dial()
	refused.send(ws("Sec-WebSocket-Version: 12"))
	if line, err := refused.r.ReadString('\n'); err != nil || !strings.Contains(line, "426") {
		t.Fatalf("%q, %v", line, err)
	}
	rest, _ := refused.r.Peek(refused.r.Buffered())
	if !strings.Contains("\r\n"+string(rest), "\r\nSec-WebSocket-Version: 13\r\n") { // the first field has no line before it in rest
		t.Errorf("the refusal has %q", rest)
	}
}

func TestHeadersThatTheGatewayExtendsAreOnOneLine(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	s := a.newGateway(t, func(c *proxy.Config) {
		trustLoopback(c)
		c.Routes = append(c.Routes, &proxy.Route{Name: "h5", Path: "/h5/", Auth: proxy.AuthNone, CORSOrigins: []string{"https://good.test"}})
	})
	q := s.expectForwarded(api("Cookie: a=1", "Cookie: b=2", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 10.0.0.1", "Forwarded: for=1", "Forwarded: for=2",
		"X-Forwarded-Host: one.test", "X-Forwarded-Proto: https", "X-Forwarded-Proto: http", "X-Request-ID: one", "X-Request-ID: two"), a.openA)
	for name, want := range map[string]string{
		"Cookie": "a=1; b=2", "X-Forwarded-For": "203.0.113.9, 10.0.0.1, 127.0.0.1", "Forwarded": "for=1, for=2", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "one.test",
	} {
		if got := q.headerValues(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, not %q", name, got, want)
		}
	}
	if got := q.headerValues("X-Request-ID"); len(got) != 1 {
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

func TestResponsesWithoutABodyHaveNoContentLength(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	for _, status := range []string{"204 No Content", "304 Not Modified"} {
		s := a.newGateway(t, nil)
		s.backend.respondWith("HTTP/1.1 " + status + "\r\nContent-Length: 5\r\nEtag: \"x\"\r\n\r\n")
		got, _ := s.roundTrip(get("/public/x"))
		if _, sent := got.Header["Content-Length"]; sent || got.Header.Get("Etag") != `"x"` {
			t.Errorf("%s: %v", status, got.Header)
		}
	}
}

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
	if a := env.call("HEAD", "/auth/login", token, ""); a.Status != 405 || a.Header.Get("Allow") != "POST" {
		t.Errorf("HEAD of login: %d, Allow %q", a.Status, a.Header.Get("Allow"))
	}
	if a := env.call("DELETE", "/auth/profile", token, ""); a.Status != 405 || a.Header.Get("Allow") != "GET, HEAD, PUT" {
		t.Errorf("DELETE of profile: %d, Allow %q", a.Status, a.Header.Get("Allow"))
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

func TestCloudRunBackendReceivesTheClientAddress(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	s := a.newGateway(t, func(c *proxy.Config) { trustLoopback(c); c.Identity.CloudRun = true })
	q := s.expectForwarded(api("X-Forwarded-For: 203.0.113.9, 10.0.0.1", "X-Original-Forwarded-For: 6.6.6.6"), a.openA)
	if got := q.headerValues("X-Original-Forwarded-For"); len(got) != 1 || got[0] != "203.0.113.9" {
		t.Errorf("X-Original-Forwarded-For: %q", got)
	}
}

func TestOwnEndpointsAreLimitedPerUser(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{config: func(c *proxy.Config) { c.Endpoints.PerUser = session.Rate{Count: 3, Per: time.Hour} }})
	alice, bob := env.login("alice"), env.login("bob")
	second := env.login("alice") // another session of the same user
	for i, token := range []string{alice, second, alice} {
		if a := env.call("POST", "/auth/check", token, ""); a.Status != 200 {
			t.Fatalf("call %d: %d %s", i, a.Status, a.Code())
		}
	}
	for _, call := range []struct{ method, path string }{{"POST", "/auth/check"}, {"GET", "/auth/session"}, {"POST", "/auth/refresh"}, {"GET", "/auth/profile"}} {
		if a := env.call(call.method, call.path, second, ""); a.Status != 429 || a.Code() != "rate_limited" || a.Header.Get("Retry-After") == "" {
			t.Errorf("%s beyond the limit: %d %s", call.path, a.Status, a.Code())
		}
	}
	if a := env.call("GET", "/auth/session", bob, ""); a.Status != 200 {
		t.Errorf("bob: %d", a.Status)
	}
	if a := env.call("GET", "/api/x", alice, ""); a.Status != 200 {
		t.Errorf("a route: %d", a.Status)
	}
}

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

func TestCookieJarReturnsEveryCookieUnchanged(t *testing.T) {
	t.Parallel()
	lines := []string{
		"cart[7]=1; Path=/", `quoted="a b"; Path=/`, `json={"a":1,"b":2}; Path=/`, `back=a\"b; Path=/`, "name=中文; Path=/", "latin=\xe9; Path=/",
		"long=1; Path=/; Max-Age=99999999999999999999", "odd=1; Path=/; Expires=Wednesday, 21-Oct-2099 07:28:00 GMT", "label=1; Path=/; Domain=backend",
	}
	env := newTestEnv(t, envConfig{
		routes: []*proxy.Route{{
			Name: "jar", Path: "/", Auth: proxy.AuthRequired, Cookies: proxy.CookiesJar, CookieJarID: "b", BackendURLs: []*url.URL{{Scheme: "http", Host: "backend:8080"}},
		}},
		backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/set" {
				w.Header()["Set-Cookie"] = append(lines, "foreign=1; Domain=evil.test", "nonsense")
				return
			}
			w.Write([]byte(strings.Join(r.Header["Cookie"], "\n")))
		}),
	})
	token := env.login("alice")
	env.call("GET", "/set", token, "")
	env.call("GET", "/set", token, "")
	var want []string
	for _, line := range lines {
		pair, _, _ := strings.Cut(line, ";")
		want = append(want, pair)
	}
	if got := string(env.call("GET", "/get", token, "").Body); got != strings.Join(want, "; ") {
		t.Errorf("the backend received\n%q, not\n%q", got, strings.Join(want, "; "))
	}
	if n := strings.Count(env.logs.String(), "rejects a cookie"); n != 2 {
		t.Errorf("%d cookies were reported", n)
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
		if q := s.expectForwarded(raw, ""); q.target() != target {
			t.Errorf("%q was forwarded as %s", raw, q.target())
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

// A client that half-closes its connection counts as disconnected. It may still read, and
// must not get an empty 200 that no backend sent.
func TestHalfClosedClientGetsNoEmpty200(t *testing.T) {
	t.Parallel()
	s := newAttackEnv(t).newGateway(t, nil)
	arrived, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	s.backend.respondFunc(func(backendRequest) string {
		close(arrived)
		<-release
		return closeAfterResponse
	})
	c := s.dial()
	c.send(request("GET /api/slow HTTP/1.1", "Host: gw.test", "@A"))
	<-arrived
	testkit.Must(t, c.conn.(*net.TCPConn).CloseWrite())
	if got, err := c.readResponse("GET"); err == nil && got.Status < 400 {
		t.Errorf("%d %q", got.Status, got.Body)
	}
}
