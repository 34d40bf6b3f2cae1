package proxy_test

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/proxy"
	"wxgate/session"
)

// getWithToken is a GET of /api/me with this token.
func getWithToken(token string) string {
	return request("GET /api/me HTTP/1.1", "Host: gw.test", "Authorization: Bearer "+token)
}

// withJWTHeader replaces the JWT header of a token and, if given, its signature.
func withJWTHeader(token, header string, signature ...string) string {
	parts := strings.Split(token, ".")
	parts[0] = base64.RawURLEncoding.EncodeToString([]byte(header))
	if len(signature) > 0 {
		parts[2] = signature[0]
	}
	return strings.Join(parts, ".")
}

// forgedTokens returns invalid variants of user A's token, by row of docs/attacks.md.
func (a *attackEnv) forgedTokens() map[string][]string {
	t := a.tokenA
	parts := strings.Split(t, ".")
	last := t[len(t)-1]
	f := map[string][]string{
		"JW-06": {t + "=", t + "==", t + "\t=", t[:len(t)-1], t + "A", t[:20] + " " + t[20:], strings.Replace(t, "_", "/", 1), strings.Replace(t, "-", "+", 1) + "+"},
		"JW-07": nil,
		"JW-18": {strings.Repeat(".", 8000), "eyJ" + strings.Repeat("A", 20000), strings.Repeat("a.", 4000), "." + t, parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("[", 12000))) + "." + parts[2]},
		"JW-19": {parts[0] + "." + parts[1], t + "." + parts[2], strings.Join([]string{parts[0], parts[1], parts[2], parts[1], parts[2]}, "."), "..", "a.b.c", ".", parts[0] + ".." + parts[2], "." + parts[1] + ".", `{"payload":"` + parts[1] + `"}`, "null", "[]", "0"},
		"JW-30": {withJWTHeader(t, `{"alg":"ES256","typ":"JWT"}`, strings.Repeat("A", 86)), withJWTHeader(t, `{"alg":"ES256"}`, base64.RawURLEncoding.EncodeToString([]byte("0\x06\x02\x01\x00\x02\x01\x00")))},
		"JW-34": {strings.ToUpper(t), strings.ToLower(t), parts[0] + "." + parts[1] + "." + withChangedCharacter(parts[2]), parts[0] + "." + withChangedCharacter(parts[1]) + "." + parts[2], withChangedCharacter(parts[0]) + "." + parts[1] + "." + parts[2], strings.Split(a.tokenB, ".")[0] + "." + parts[1] + "." + strings.Split(a.tokenB, ".")[2]},
		"SE-14": {"*", "a:b", "a%0d%0aDEL%20x", "{x}", strings.Repeat("a", 10000), "../", "wxgate:s:x", "s:{x}", "\x80\xff", "中文", strings.Repeat("A", 44), strings.Repeat("-", 44)},
	}
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" { // unused bits of the last character
		if byte(c) != last {
			f["JW-06"] = append(f["JW-06"], t[:len(t)-1]+string(c))
		}
	}
	for _, alg := range []string{"none", "None", "NONE", "nOnE"} {
		f["JW-01"] = append(f["JW-01"], withJWTHeader(t, `{"alg":"`+alg+`","typ":"JWT"}`, ""), withJWTHeader(t, `{"alg":"`+alg+`","typ":"JWT"}`))
	}
	for _, alg := range []string{"HS384", "HS512", "PS256", "RS256", "ES256K", "EdDSA", "HS256 ", "hs256", ""} {
		f["JW-04"] = append(f["JW-04"], withJWTHeader(t, `{"alg":"`+alg+`","typ":"JWT"}`))
	}
	for _, kid := range []string{`"../../dev/null"`, `"/etc/passwd"`, `"' OR 1=1--"`, `";id"`, `"` + strings.Repeat("k", 8000) + `"`, "1", "null", "[]", `"unknown"`, `""`, "{}"} {
		f["JW-07"] = append(f["JW-07"], withJWTHeader(t, `{"alg":"HS256","typ":"at+jwt","kid":`+kid+`}`))
	}
	f["JW-07"] = append(f["JW-07"], withJWTHeader(t, `{"alg":"HS256","typ":"at+jwt"}`))
	return f
}

// withChangedCharacter changes the character in the middle of s.
func withChangedCharacter(s string) string {
	i := len(s) / 2
	c := "A"
	if s[i] == 'A' {
		c = "B"
	}
	return s[:i] + c + s[i+1:]
}

func TestForgedTokensAreRefusedWithTheSameError(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	for id, tokens := range a.forgedTokens() {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			s := a.newGateway(t, nil)
			s.expectForwarded(getWithToken(a.tokenA), a.openA) // puts the session into the cache
			for _, token := range tokens {
				if token == a.tokenA {
					continue
				}
				got, _ := s.roundTrip(getWithToken(token))
				if got.Status != 401 || got.Code() != "token_invalid" || !strings.HasPrefix(got.Header.Get("WWW-Authenticate"), "Bearer ") {
					t.Errorf("%.80q: %d %s", token, got.Status, got.Code())
				}
				s.expectNotForwarded(token)
			}
			s.checkOtherClientsAndReset()
		})
	}
}

func TestTokenIsAcceptedInOneHeaderOnly(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("CR-01", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		for _, raw := range []string{api(), get("/public/x"), get("/optional/x")} {
			if req := s.expectForwarded(raw, map[bool]string{true: a.openA}[raw == api()]); strings.Contains(string(req), a.tokenA) {
				t.Errorf("the backend received %q", req)
			}
		}
		if req := s.expectForwarded(get("/public/x", "@A", "Proxy-Authorization: Bearer oEVIL"), ""); strings.Contains(string(req), a.tokenA) {
			t.Errorf("the backend received %q", req)
		}
	})
	t.Run("CR-02", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		s.expectError(get("/api/me", "Cookie: theme=dark; gw_session=@T_A; lang=zh", "Cookie: Authorization=@T_A"), 401, "token_missing")
	})
	t.Run("CR-04", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		for _, name := range []string{"access_token", "token", "authorization"} {
			s.expectError(get("/api/me?"+name+"=@T_A"), 401, "token_missing")
		}
		s.expectError("POST /api/me HTTP/1.1\r\nHost: gw.test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 14\r\n\r\naccess_token=x", 401, "token_missing")
		if strings.Contains(s.logs.String(), a.tokenA) {
			t.Error("the token is in the log")
		}
	})
	t.Run("CR-05", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		s.expectError(strings.Replace(ws("Sec-WebSocket-Protocol: bearer, @T_A"), "@A\r\n", "", 1), 401, "token_missing")
	})
	t.Run("JW-31", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		s.expectRefused(get("/api/me", "@A", "@B"))
		s.expectRefused(get("/api/me", "@A", "@A"))
		s.expectRefused(get("/public/me", "@A", "authorization: x"))
		s.expectError(get("/api/me", "@A, Bearer @T_B"), 401, "token_invalid")
		s.expectError(get("/api/me", "@A @T_B"), 401, "token_invalid")
		for _, other := range []string{"Basic dXNlcjpwYXNz", "Token @T_A", "Bearer", "Bearer ", "@T_A", "Bearer=@T_A", "Bearer,@T_A", "Digest username=x"} {
			s.expectError(get("/api/me", "Authorization: "+other), 401, "token_invalid")
		}
		s.expectForwarded(get("/api/me", "Authorization: bearer  @T_A"), a.openA)
	})
	t.Run("JW-33", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		s.expectForwarded(api("Cookie: gw_session=@T_B; session=@T_B"), a.openA)
	})
	t.Run("JW-39", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		for _, token := range []string{"Bearer x", "Bearer " + withChangedCharacter(a.tokenA)} {
			raw := strings.Replace(ws(), "@A", "Authorization: "+token, 1)
			got, c := s.roundTrip(raw)
			var body struct{ Error string }
			if json.Unmarshal(got.Body, &body); got.Status != 401 || body.Error != "token_invalid" || !c.closed() {
				t.Errorf("%d %s", got.Status, got.Body)
			}
			s.expectNotForwarded(raw)
		}
	})
}

func TestTokensAreNotInterchangeable(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("JW-15", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		auth, err := a.sessions.Authenticate(t.Context(), a.tokenA)
		testkit.Must(t, err)
		assertion, err := a.sessions.Assert(&auth.Session, "api")
		testkit.Must(t, err)
		hook, err := a.sessions.AssertHook(session.Login{AppID: appID, OpenID: a.openA}, "hook")
		testkit.Must(t, err)
		for _, token := range []string{assertion, hook} {
			s.expectError(getWithToken(token), 401, "token_invalid")
			s.expectError(request("POST /auth/refresh HTTP/1.1", "Host: gw.test", "Content-Length: 0", "Authorization: Bearer "+token), 401, "token_invalid")
		}
	})
	t.Run("JW-27", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		got, _ := s.roundTrip(get("/.well-known/jwks.json"))
		var set struct{ Keys []map[string]any }
		if err := json.Unmarshal(got.Body, &set); err != nil || len(set.Keys) == 0 || !strings.Contains(got.Header.Get("Cache-Control"), "max-age") {
			t.Fatalf("%d %v %s", got.Status, got.Header, got.Body)
		}
		for _, key := range set.Keys {
			for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
				if key[private] != nil {
					t.Errorf("the key set has %s", private)
				}
			}
			if key["kid"] == "" || key["use"] != "sig" || key["alg"] != "ES256" || key["kty"] != "EC" {
				t.Errorf("key %v", key)
			}
		}
	})
	t.Run("LG-18", func(t *testing.T) {
		t.Parallel()
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(a.tokenA, ".")[1])
		testkit.Must(t, err)
		if strings.Contains(string(payload), "c2Vzc2lvbi1rZXk") || strings.Contains(string(payload), "session-key") || strings.Contains(string(payload), "session_key") {
			t.Errorf("the token contains %s", payload)
		}
	})
}

func TestResponsesAndLogsLeakNoSecrets(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("CR-07", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		s.backend.respondWith("HTTP/1.1 302 Found\r\nLocation: https://evil.test/\r\nContent-Length: 0\r\n\r\n")
		if got, _ := s.roundTrip(api()); got.Status != 302 || got.Header.Get("Location") != "https://evil.test/" || len(s.backend.requests()) != 1 {
			t.Errorf("%d %v", got.Status, got.Header)
		}
	})
	t.Run("CR-08", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		s.backend.respondWith("nonsense\r\n\r\n")
		code := s.user("carol").Code()
		s.roundTrip(api("Cookie: secret-cookie=1"))
		s.roundTrip(get("/api/x?secret-query=1", "Authorization: Bearer "+withChangedCharacter(a.tokenA)))
		s.roundTrip(loginRequest(`{"code":"` + code + `"}`))
		s.roundTrip(loginRequest(`{"code":"` + code + `"}`))
		log := s.logs.String() + a.testEnv.logs.String()
		for _, secret := range []string{a.tokenA, withChangedCharacter(a.tokenA), code, "secret-cookie", "secret-query", appSecret, s.user("carol").SessionKey(), "c2Vzc2lvbi1rZXk"} {
			if strings.Contains(log, secret) {
				t.Errorf("%.20q… is in the log", secret)
			}
		}
	})
	t.Run("CR-11", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		for _, path := range []string{"/debug/pprof/heap", "/debug/pprof/", "/metrics", "/debug/vars", "/healthz", "/readyz", "/api/users/x/y", "/wx/x/cgi-bin/token"} {
			got, _ := s.roundTrip(get(path))
			if got.Status != 404 && got.Status != 401 {
				t.Errorf("%s: %d", path, got.Status)
			}
			s.expectNotForwarded(path)
		}
	})
	t.Run("CR-13", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		for _, tokens := range a.forgedTokens() {
			for _, token := range tokens[:min(4, len(tokens))] {
				got, _ := s.roundTrip(getWithToken(token))
				var body struct{ Error, Message string }
				if err := json.Unmarshal(got.Body, &body); err != nil || body.Error != "token_invalid" || body.Message != "the token is not valid" {
					t.Errorf("%.60q: %s", token, got.Body)
				}
			}
		}
	})
	t.Run("CR-16", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		token := a.openSession(session.Login{OpenID: "oCache-01234567"})
		for _, raw := range []string{
			loginRequest(`{"code":"` + s.user("dave").Code() + `"}`), request("POST /auth/refresh HTTP/1.1", "Host: gw.test", "Content-Length: 0", "Authorization: Bearer "+token),
			get("/auth/session", "Authorization: Bearer "+token), get("/auth/profile", "Authorization: Bearer "+token), get("/api/x"), get("/nowhere"),
			request("POST /auth/logout HTTP/1.1", "Host: gw.test", "Content-Length: 0", "Authorization: Bearer "+token),
		} {
			if got, _ := s.roundTrip(raw); got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%.60q: %d %v", raw, got.Status, got.Header)
			}
		}
	})
}

func TestTraceContextOfClientsIsHarmless(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("CR-19", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		req := s.expectForwarded(api("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate: a=b", "baggage: userid=oEVIL"), a.openA)
		if len(req.headerValues("traceparent")) != 1 {
			t.Error("traceparent was not forwarded")
		}
	})
	t.Run("LO-05", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		for _, lines := range [][]string{{"traceparent: x"}, {"traceparent: 00-00000000000000000000000000000000-0000000000000000-00"}, {"traceparent: " + strings.Repeat("0", 10000)}, {"traceparent: a", "traceparent: b"}} {
			s.expectForwarded(api(lines...), a.openA)
		}
	})
}

func loginRequest(body string, lines ...string) string {
	return request(append([]string{"POST /auth/login HTTP/1.1", "Host: gw.test", "Content-Type: application/json", "Content-Length: " + strconv.Itoa(len(body))}, lines...)...) + body
}

func TestEndedSessionsAreRefusedByAllInstances(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	other := &attackEnv{testEnv: newTestEnv(t, envConfig{redis: a.redis, sim: a.sim}), openB: a.openB, tokens: a.tokens}
	t.Run("SE-03", func(t *testing.T) {
		t.Parallel()
		here, there := a.newGateway(t, nil), other.newGateway(t, nil)
		token := a.openSession(session.Login{OpenID: "oLogout-0123456"})
		here.expectForwarded(getWithToken(token), "oLogout-0123456")
		there.expectForwarded(getWithToken(token), "oLogout-0123456")
		if got, _ := here.roundTrip(request("POST /auth/logout HTTP/1.1", "Host: gw.test", "Content-Length: 0", "Authorization: Bearer "+token)); got.Status != 204 {
			t.Errorf("logout: %d", got.Status)
		}
		here.expectError(getWithToken(token), 401, "session_ended")
		testkit.Within(t, time.Second, "the other instance refuses the token (JW-24)", func() bool { got, _ := there.roundTrip(getWithToken(token)); return got.Status == 401 })
		there.backend.reset() // requests forwarded before
		there.expectError(request("POST /auth/refresh HTTP/1.1", "Host: gw.test", "Content-Length: 0", "Authorization: Bearer "+token), 401, "session_ended")
	})
	t.Run("JW-24 and SE-09", func(t *testing.T) {
		t.Parallel()
		here, there := a.newGateway(t, nil), other.newGateway(t, nil)
		var tokens []string
		for range 3 {
			tokens = append(tokens, a.openSession(session.Login{OpenID: "oDevices-012345"}))
		}
		for _, token := range tokens {
			there.expectForwarded(getWithToken(token), "oDevices-012345")
		}
		if n, err := a.sessions.EndAll(t.Context(), appID, "oDevices-012345", session.CauseAdmin); n != 3 || err != nil {
			t.Errorf("%d ended, %v", n, err)
		}
		for _, token := range tokens {
			here.expectError(getWithToken(token), 401, "session_ended")
			testkit.Within(t, time.Second, "the other instance refuses the token", func() bool { got, _ := there.roundTrip(getWithToken(token)); return got.Status == 401 })
		}
		there.backend.reset()
		there.checkOtherClientsAndReset()
	})
	t.Run("SE-20", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		s.backend.respondWith("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
		token := a.openSession(session.Login{OpenID: "oSocket-0123456"})
		c := s.dial()
		c.send(strings.Replace(ws(), "@A", "Authorization: Bearer "+token, 1))
		if got, err := c.readResponse("GET"); err != nil || got.Status != 101 {
			t.Fatalf("%d, %v", got.Status, err)
		}
		_, err := other.sessions.EndAll(t.Context(), appID, "oSocket-0123456", session.CauseAdmin)
		testkit.Must(t, err)
		start := time.Now()
		if !c.closed() || time.Since(start) > time.Second {
			t.Errorf("the WebSocket stayed open for %v", time.Since(start))
		}
	})
}

func TestRefreshAndLoginKeepSessionsSeparate(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	other := &attackEnv{testEnv: newTestEnv(t, envConfig{redis: a.redis, sim: a.sim}), openB: a.openB, tokens: a.tokens}
	t.Run("SE-05", func(t *testing.T) {
		t.Parallel()
		here, there := a.newGateway(t, nil), other.newGateway(t, nil)
		token := a.openSession(session.Login{OpenID: "oRefresh-012345"})
		refreshed := make([]string, 50)
		var all sync.WaitGroup
		for i := range refreshed {
			s := []*attackGateway{here, there}[i%2]
			all.Go(func() {
				got, _ := s.roundTrip(request("POST /auth/refresh HTTP/1.1", "Host: gw.test", "Content-Length: 0", "Authorization: Bearer "+token))
				var in loginResponse
				if err := json.Unmarshal(got.Body, &in); err != nil || got.Status != 200 {
					t.Errorf("%d %s", got.Status, got.Body)
				}
				refreshed[i] = in.Token
			})
		}
		all.Wait()
		for _, token := range append(refreshed, token) { // the old one too: a response may be lost (SE-06)
			got, _ := here.roundTrip(getWithToken(token))
			if got.Status != 200 {
				t.Errorf("a refreshed token: %d %s", got.Status, got.Code())
			}
		}
	})
	t.Run("SE-06", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		token := a.openSession(session.Login{OpenID: "oLost-012345678"})
		raw := request("POST /auth/refresh HTTP/1.1", "Host: gw.test", "Content-Length: 0", "Authorization: Bearer "+token)
		c := s.dial()
		c.send(raw)
		c.conn.Close()
		if got, _ := s.roundTrip(raw); got.Status != 200 {
			t.Errorf("repeated: %d %s", got.Status, got.Body)
		}
	})
	t.Run("SE-18", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		s.expectError(get("/auth/logout", "@A"), 405, "method_not_allowed")
		s.expectError(request("POST /auth/logout HTTP/1.1", "Host: gw.test", "Origin: https://evil.test", "Cookie: token=@T_A", "Content-Length: 0"), 401, "token_missing")
	})
	t.Run("SE-02 and LG-19", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		got, _ := s.roundTrip(loginRequest(`{"code":"`+s.user("erin").Code()+`"}`, "@A"))
		var in loginResponse
		got.JSON(t, &in)
		s.backend.reset()
		s.expectForwarded(getWithToken(in.Token), s.user("erin").OpenID)
		s.expectForwarded(api(), a.openA)
	})
}

// SE-11: clients log in again after a 401, which would not help in an outage.
func TestRedisOutageIsNeverA401(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{settings: func(s *session.Config) { s.StaleIfError = 0; s.CacheTTL = 0 }})
	token := env.login("alice")
	env.redis.Stop()
	t.Run("SE-11", func(t *testing.T) {
		for _, path := range []string{"/api/me", "/optional/x", "/auth/session"} {
			if got := env.call("GET", path, token, ""); got.Status != 503 || got.Header.Get("Retry-After") == "" {
				t.Errorf("%s: %d %s", path, got.Status, got.Code())
			}
		}
		if got := env.call("GET", "/public/x", "", ""); got.Status != 200 {
			t.Errorf("a public route: %d", got.Status)
		}
		if got := env.call("GET", "/api/me", "nonsense", ""); got.Status != 401 {
			t.Errorf("nonsense: %d", got.Status)
		}
	})
}

func TestLoginRejectsManipulatedRequests(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("LG-01", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		raw := loginRequest(`{"code":"` + s.user("frank").Code() + `"}`)
		if got, _ := s.roundTrip(raw); got.Status != 200 {
			t.Errorf("%d %s", got.Status, got.Body)
		}
		s.expectError(raw, 401, "invalid_code")
	})
	t.Run("LG-03", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, func(c *proxy.Config) { c.Endpoints.Apps = []string{appID, "wx0000000000000002"} })
		code := func() string { return s.user("grace").Code() }
		s.expectError(loginRequest(`{"code":"`+code()+`","appid":"wxunknown"}`), 400, "bad_request")
		s.expectError(loginRequest(`{"code":"`+code()+`"}`), 400, "bad_request")
		s.expectError(loginRequest(`{"code":"`+code()+`","appid":"`+appID+`"}`, "Referer: https://servicewechat.com/wx0000000000000002/1/page-frame.html"), 400, "bad_request")
		s.expectError(loginRequest(`{"code":"`+code()+`","appid":["`+appID+`"]}`), 400, "bad_request")
	})
	t.Run("LG-04", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		for _, code := range []string{`"x&appid=evil&secret=y"`, `"x#"`, `"x%26a"`, `"../"`, `"x\r\ny"`, `"` + strings.Repeat("a", 5000) + `"`, `""`, "1", "[]", "{}", "null", "true", `"x y"`, `"x\u0000"`, `"中"`} {
			s.expectError(loginRequest(`{"code":`+code+`}`), 400, "bad_request")
		}
		s.expectError(loginRequest(`{"code":"`+strings.Repeat("a", 1<<20)+`"}`), 413, "body_too_large")
	})
	t.Run("LG-16", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		s.expectError(get("/auth/login?code=secret-code"), 405, "method_not_allowed")
		s.expectError("HEAD /auth/login HTTP/1.1\r\nHost: gw.test\r\n\r\n", 405, "method_not_allowed")
		s.expectError(strings.Replace(loginRequest(`{}`), "/auth/login", "/auth/login/", 1), 404, "no_route")
		if strings.Contains(s.logs.String(), "secret-code") {
			t.Error("the code is in the log")
		}
	})
	t.Run("LG-15", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		heidi := s.user("heidi")
		token := a.login("heidi")
		sealed := heidi.EncryptPhone()
		yesterday := heidi.Encrypt(map[string]any{"phoneNumber": "1"}, time.Now().Add(-24*time.Hour))
		raw, err := base64.StdEncoding.DecodeString(sealed.EncryptedData)
		testkit.Must(t, err)
		raw[len(raw)/2] ^= 1
		messages := map[string]bool{}
		for _, body := range []map[string]string{
			{"encrypted_data": base64.StdEncoding.EncodeToString(raw), "iv": sealed.IV},
			{"encrypted_data": base64.StdEncoding.EncodeToString(raw[:len(raw)-1]), "iv": sealed.IV},
			{"encrypted_data": base64.StdEncoding.EncodeToString(raw[16:]), "iv": sealed.IV},
			{"encrypted_data": sealed.EncryptedData, "iv": "AAAA"},
			{"encrypted_data": yesterday.EncryptedData, "iv": yesterday.IV},
		} {
			text, err := json.Marshal(body)
			testkit.Must(t, err)
			got, _ := s.roundTrip(request("POST /auth/phone HTTP/1.1", "Host: gw.test", "Authorization: Bearer "+token, "Content-Length: "+strconv.Itoa(len(text))) + string(text))
			var body struct{ Error, Message string }
			got.JSON(t, &body)
			messages[body.Error+body.Message] = true
			if got.Status != 400 || body.Error != "bad_data" {
				t.Errorf("%d %s", got.Status, got.Body)
			}
		}
		if len(messages) != 1 {
			t.Errorf("the responses differ: %v", messages)
		}
	})
}
