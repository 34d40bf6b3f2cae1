package proxy_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"wxgate/internal/testkit"
	"wxgate/proxy"
	"wxgate/session"
)

// api is a GET of /api/me as user A with further header lines.
func api(lines ...string) string {
	return request(append([]string{"GET /api/me HTTP/1.1", "Host: gw.test", "@A"}, lines...)...)
}

// public is an anonymous GET of /public/x with further header lines.
func public(lines ...string) string {
	return request(append([]string{"GET /public/x HTTP/1.1", "Host: gw.test"}, lines...)...)
}

// ws is a WebSocket handshake as user A with further header lines.
func ws(lines ...string) string {
	return request(append([]string{"GET /ws HTTP/1.1", "Host: gw.test", "@A", "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, lines...)...)
}

// evil is a header line with an identity that a client must not set.
func evil(name string) string { return name + ": oEVIL" }

// identityNames are the headers with an identity.
var identityNames = []string{"X-OpenID", "X-UnionID", "X-AppID", "X-User-ID", "X-User-Roles", "X-WX-OPENID", "X-WX-UNIONID", "X-WX-APPID", "X-WX-FROM-OPENID"}

// spellings returns names that some backend reads as the given one.
func spellings(name string) []string {
	all := []string{strings.ToLower(name), strings.ToUpper(name), strings.ReplaceAll(name, "-", "_"), name + "_", "_" + name, name + "-", "-" + name}
	for _, c := range "!#$%&'*+.^_`|~" {
		all = append(all, strings.Replace(name, "-", string(c), 1), strings.ReplaceAll(name, "-", string(c)))
	}
	return all
}

func TestClientsCannotSpoofIdentity(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	a.runRow(t, "HS-01", []string{api("X-OpenID: oEVIL"), api("X-UnionID: oEVIL"), api("X-WX-OPENID: oEVIL")}, forwardedAsA)
	a.runRow(t, "HS-02", []string{public("X-OpenID: oEVIL"), public("@A", "X-OpenID: oEVIL"),
		request("GET /optional/x HTTP/1.1", "Host: gw.test", "X-OpenID: oEVIL"),
		request("GET /public/x HTTP/1.0", "Host: gw.test", "Connection: keep-alive", "X-OpenID: oEVIL")}, forwardedAnonymously)
	a.runRow(t, "HS-04", []string{api("x-openid: oEVIL"), api("X-OPENID: oEVIL"), api("x-OpEnId: oEVIL")}, forwardedAsA)
	t.Run("HS-04 with the config's own spelling", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, func(c *proxy.Config) { c.Identity.OpenID = "x-openid" })
		for _, name := range []string{"x-openid", "X-OPENID", "X-OpenID", "x-OpEnId"} {
			s.expectForwarded(api(evil(name)), a.openA)
		}
	})
	a.runRow(t, "HS-05", []string{
		api("X-OpenID: oEVIL", "X-OpenID: oEVIL", "x-openid: oEVIL"),
		request("GET /api/me HTTP/1.1", "Host: gw.test", "X-OpenID: oEVIL", "X-OpenID: oEVIL", "@A", "X-OpenID: oEVIL"),
	}, forwardedAsA)
	t.Run("HS-26", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		if req := s.expectForwarded(api("X-UnionID: oEVIL", "X-User-Roles: oEVIL"), a.openA); len(req.headerValues("X-UnionID"))+len(req.headerValues("X-User-Roles")) != 0 {
			t.Errorf("values that user A does not have: %q", req)
		}
	})
	a.runRow(t, "HS-34", []string{ws("X-OpenID: oEVIL"), ws("X_OpenID: oEVIL", "X.OpenID: oEVIL"), ws("Connection: X-OpenID"), ws("Connection: X-OpenID, Upgrade"), ws("x-wx-openid: oEVIL")}, forwardedAsA)
	t.Run("HS-35", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		s.setRoutes(&proxy.Route{Name: "api", Path: "/api/", Auth: proxy.AuthRequired, Upstream: plainGroup(t, unusedAddress(t), s.backend.addr)})
		for range 4 {
			s.expectForwarded(api("X-OpenID: oEVIL", "X-OpenID: oEVIL"), a.openA)
		}
	})
}

func TestSpellingsOfIdentityHeadersAreStripped(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	a.runRow(t, "HS-07", []string{api(evil("X_OPENID")), api(evil("X-Open_ID"), evil("x_open-id"), evil("X_OpenID"), evil("_X-OpenID"), evil("X-OpenID_"))}, forwardedAsA)
	a.runRow(t, "HS-08", []string{api("X.OpenID: oEVIL"), api("X-Open.ID: oEVIL"), public("x.openid: oEVIL")}, func(s *attackGateway, raw string) {
		s.expectRefusedOrForwarded(raw, map[bool]string{true: a.openA}[strings.Contains(raw, "/api/")])
	})
	t.Run("HS-10", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, func(c *proxy.Config) { c.Identity.CloudRun = true })
		for _, name := range identityNames {
			var lines []string
			for _, spelling := range spellings(name) {
				lines = append(lines, evil(spelling))
			}
			s.expectForwarded(api(lines...), a.openA)
			s.expectForwarded(public(lines...), "")
			s.expectForwarded(ws(lines...), a.openA)
		}
	})
	a.runRow(t, "HS-40", []string{public("X-OpenID2: ok", "X-Open: ok", "X-Custom: a", "X-Forwarde: ok", "X-Amzn-Trace-Id: ok", "X-Wxyz: ok", "Wx-Foo: ok", "X-Requested-With: ok", "X-Users: ok")},
		func(s *attackGateway, raw string) {
			req := s.expectForwarded(raw, "")
			for _, name := range []string{"X-OpenID2", "X-Open", "X-Custom", "X-Forwarde", "X-Amzn-Trace-Id", "X-Wxyz", "Wx-Foo", "X-Requested-With", "X-Users"} {
				if len(req.headerValues(name)) != 1 {
					s.t.Errorf("%s was not forwarded", name)
				}
			}
		})
}

func TestInvalidHeaderLinesAreRefused(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	a.runRow(t, "HS-11", []string{api("X-OpenID : oEVIL"), api("X-OpenID\t: oEVIL"), api(" X-OpenID: oEVIL\t", "X-OpenID : oEVIL"),
		request("GET /api/me HTTP/1.1", " X-OpenID: oEVIL", "Host: gw.test", "@A")}, refused)
	a.runRow(t, "HS-13", []string{api("X-OpenID\x00: oEVIL"), api("X-Foo: a\x00X-OpenID: oEVIL"), api("X-Foo: a\rX-OpenID: oEVIL"),
		api("X-Foo: a\x0bb"), api("X-Foo: \x7f"), api(": oEVIL"), api("X-OpenID")}, refused)
	a.runRow(t, "HS-14", []string{api("X-To\u212aen: oEVIL"), api("X-OpenІD: oEVIL"), api("X-Open\u0131D: oEVIL"), api("X\u2010OpenID: oEVIL"), api("X-OpenID\xa0: oEVIL")}, refused)
	a.runRow(t, "HS-16", []string{api("X-Foo: a\nX-OpenID: oEVIL"), api("X-Foo: a\nX_OpenID: oEVIL\nX-UnionID: oEVIL"),
		"GET /api/me HTTP/1.1\nHost: gw.test\n@A\nX-OpenID: oEVIL\n\n"}, refused)
}

func TestConnectionHeaderCannotRemoveIdentity(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	a.runRow(t, "HS-17", []string{api("Connection: X-OpenID"), api("Connection: x-openid"), api("Connection: keep-alive, X-OpenID")}, forwardedAsA)
	t.Run("HS-19", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		req := s.expectForwarded(api("Connection: X-OpenID, X-AppID, X-User-ID, X-Request-ID, X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, X-Real-IP, Forwarded, Host",
			"X-Forwarded-For: 6.6.6.6"), a.openA)
		for _, name := range []string{"X-AppID", "X-User-ID", "X-Request-ID", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Host"} {
			if len(req.headerValues(name)) != 1 {
				t.Errorf("%s is %q", name, req.headerValues(name))
			}
		}
	})
	t.Run("HS-20", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		for _, lines := range [][]string{
			{"Connection: keep-alive", "Connection: X-OpenID"}, {"Proxy-Connection: X-OpenID"},
			{"Connection:\tX-OpenID ,"}, {"Connection: X-OpenID;q=1"}, {"Connection: \"X-OpenID\""}, {"Connection: ,,X-OpenID,,"},
			{"Connection: X-Custom, te", "X-Custom: oEVIL"},
		} {
			req := s.expectForwarded(api(lines...), a.openA)
			if len(req.headerValues("Connection"))+len(req.headerValues("Proxy-Connection")) != 0 {
				t.Errorf("%q: the backend received %.300q", lines, req)
			}
		}
	})
}

func TestTrailersCannotSetIdentity(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	const trailed = "POST /api/echo HTTP/1.1\r\nHost: gw.test\r\n@A\r\nTransfer-Encoding: chunked\r\n%s\r\n5\r\nhello\r\n0\r\n%s\r\n"
	var announced, unannounced []string
	for _, name := range []string{"X-OpenID", "x-openid", "X_OpenID", "X.OpenID", "X-User-Roles", "X-WX-OPENID", "Authorization", "X-Forwarded-For", "X-HTTP-Method-Override"} {
		announced = append(announced, fmt.Sprintf(trailed, "Trailer: "+name+"\r\n", evil(name)+"\r\n"))
		unannounced = append(unannounced, fmt.Sprintf(trailed, "", evil(name)+"\r\n"),
			fmt.Sprintf(trailed, "Trailer: X-Sum\r\n", "X-Sum: 1\r\n"+evil(name)+"\r\n"))
	}
	a.runRow(t, "HS-22", announced, func(s *attackGateway, raw string) { s.expectRefusedOrForwarded(raw, a.openA) })
	a.runRow(t, "HS-23", unannounced, func(s *attackGateway, raw string) { s.expectRefusedOrForwarded(raw, a.openA) })
}

func TestIdentityHeadersOfOtherGatewaysAreStripped(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("HS-31", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		for _, name := range []string{
			"Remote-User", "Remote-Groups", "Remote-Email", "Remote-Name", "X-Remote-User", "X-Remote-Group", "X-Remote-Extra-Scopes",
			"X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Anything", "X-Auth-Request-User", "X-Auth-Request-Anything",
			"X-Authenticated-User", "X-Authenticated-Groups", "X-Consumer-Username", "X-Consumer-ID", "X-Consumer-Groups", "X-Userinfo", "X-Mse-Consumer",
			"X-Pomerium-Jwt-Assertion", "X-Pomerium-Claim-User", "X-Goog-IAP-JWT-Assertion", "X-Goog-Authenticated-User-Email", "X-Amzn-Oidc-Data",
			"X-Amzn-Oidc-Identity", "Cf-Access-Jwt-Assertion", "X-MS-CLIENT-PRINCIPAL", "X-MS-Client-Principal-Name", "X-Authentik-Username",
			"Tailscale-User-Login", "X-Webauth-Role", "X-Jwt-Assertion", "X-Jwt-Claim-Sub", "X-Gateway-JWT", "X-Endpoint-API-UserInfo", "X-Vouch-User",
		} {
			s.expectForwarded(public(evil(name)), "")
		}
	})
	t.Run("HS-32", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		req := s.expectForwarded(public("X-Forwarded-Client-Cert: oEVIL", "X-SSL-Client-S-DN: oEVIL", "X-Client-Cert: oEVIL", "SSL-Client-Verify: SUCCESS",
			"X-SSL-Client-Verify: SUCCESS", "X-SSL-Client-I-DN: oEVIL", "SSL-Client-I-DN: oEVIL", "X-Client-Cert-Chain: oEVIL", "X-ARR-ClientCert: oEVIL"), "")
		if strings.Contains(string(req), "SUCCESS") {
			t.Errorf("the backend received %q", req)
		}
	})
}

func TestBackendsCannotSetGatewayHeaders(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("HS-41", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		s.backend.respondWith("HTTP/1.1 200 OK\r\nX-OpenID: oA\r\nx-user-roles: admin\r\nX-Session-Token: stolen\r\nX-Gateway-Error: token_invalid\r\n" +
			"X-Request-ID: theirs\r\nServer: php\r\nTransfer-Encoding: chunked\r\nTrailer: X-Session-Token\r\n\r\n2\r\nok\r\n0\r\nX-Session-Token: stolen\r\nX-Gateway-Error: e\r\n\r\n")
		got, c := s.roundTrip(api())
		for _, name := range []string{"X-OpenID", "X-User-Roles", "X-Session-Token", "X-Gateway-Error"} {
			if v := got.Header.Values(name); len(v) != 0 {
				t.Errorf("the client received %s %q", name, v)
			}
		}
		if id := got.Header.Values("X-Request-Id"); len(id) != 1 || id[0] == "theirs" || got.Header.Get("Server") != "php" || string(got.Body) != "ok" {
			t.Errorf("%v %s", got.Header, got.Body)
		}
		c.expectOwnResponse("after spoofed response headers")
	})
}

// unusedAddress returns an address on which nothing listens.
func unusedAddress(t testing.TB) string {
	t.Helper()
	return fmt.Sprint("127.0.0.1:", testkit.MustReservePort(t).Number)
}

func TestIdentityValuesAreEncoded(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	for id, c := range map[string]struct {
		login session.Login
		name  string
		want  string
	}{
		"HS-28": {session.Login{OpenID: "oChinese", UserID: `中文 名,\"x\"`}, "X-User-ID", `%E4%B8%AD%E6%96%87 %E5%90%8D,\"x\"`},
		"HS-29": {session.Login{OpenID: "oRoles", Roles: []string{"user,admin"}}, "X-User-Roles", "user%2Cadmin"},
		"LO-04": {session.Login{OpenID: "oLines", Roles: []string{"a\r\nX-OpenID: oEVIL", "b\t|=", "100%"}}, "X-User-Roles", "a%0D%0AX-OpenID: oEVIL,b%09|=,100%25"},
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			s := a.newGateway(t, nil)
			token := a.openSession(c.login)
			s.roundTrip(request("GET /api/me HTTP/1.1", "Host: gw.test", "Authorization: Bearer "+token))
			got := s.backend.requests()
			if len(got) != 1 || !slices.Equal(got[0].headerValues(c.name), []string{c.want}) || !slices.Equal(got[0].headerValues("X-OpenID"), []string{c.login.OpenID}) {
				t.Errorf("the backend received %q", got)
			}
			for line := range strings.Lines(s.logs.String()) {
				if !strings.HasPrefix(line, "{") {
					t.Errorf("a malformed log line: %q", line)
				}
			}
		})
	}
}

// HS-37: connections to backends are shared by users, one after another and in parallel.
func TestRequestsNeverGetAnotherUsersIdentity(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("HS-37", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		turns := []struct{ raw, want string }{
			{request("GET /api/1 HTTP/1.1", "Host: gw.test", "@A"), "openid=" + a.openA + " path=/api/1"},
			{request("GET /public/2 HTTP/1.1", "Host: gw.test"), "openid= path=/public/2"},
			{request("GET /api/3 HTTP/1.1", "Host: gw.test", "@B"), "openid=" + a.openB + " path=/api/3"},
			{request("GET /optional/4 HTTP/1.1", "Host: gw.test"), "openid= path=/optional/4"},
		}
		var all sync.WaitGroup
		for range 40 {
			c := s.dial()
			all.Go(func() {
				for i := range 100 {
					turn := turns[i%len(turns)]
					c.send(turn.raw)
					if got, err := c.readResponse(http.MethodGet); err != nil || string(got.Body) != turn.want {
						t.Errorf("%q, %v, not %q", got.Body, err, turn.want)
						return
					}
				}
			})
		}
		all.Wait()
	})
}
