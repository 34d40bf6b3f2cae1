package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
	"wxgate/proxy"
	"wxgate/proxy/websession"
	"wxgate/session"
)

const cookieName = "__Host-wxgate"

// newWebEnv returns a gateway whose route /h5/ accepts the web cookie.
func newWebEnv(t *testing.T, p envConfig) *testEnv {
	t.Helper()
	p.routes = []*proxy.Route{
		{Name: "h5", Path: "/h5/", Auth: proxy.AuthRequired, AcceptCookie: true, WebSocket: true},
		{Name: "shared", Path: "/shared/", Auth: proxy.AuthOptional, AcceptCookie: true},
		{Name: "api", Path: "/api/", Auth: proxy.AuthRequired},
		{Name: "public", Path: "/public/", Auth: proxy.AuthNone},
	}
	before := p.config
	p.config = func(c *proxy.Config) {
		cookie := websession.Cookie{Name: cookieName}
		c.Web = proxy.Web{Cookie: cookie, MaxAge: 12 * time.Hour, Origins: publicOrigins(t, "https://h5.example.cn")}
		c.Endpoints.Web.Cookie, c.Endpoints.Web.MaxAge = cookie, 12*time.Hour
		if before != nil {
			before(c)
		}
	}
	return newTestEnv(t, p)
}

// ticket requests a ticket and returns its path.
func (env *testEnv) ticket(token, next string) string {
	env.t.Helper()
	res := env.call("POST", "/auth/ticket", token, fmt.Sprintf(`{"next":%q}`, next))
	var got struct {
		Ticket, Path string
		ExpiresIn    int `json:"expires_in"`
	}
	if res.JSON(env.t, &got); res.Status != http.StatusOK || got.ExpiresIn != 60 || got.Path != "/auth/enter?ticket="+got.Ticket {
		env.t.Fatalf("%d %s", res.Status, res.Body)
	}
	return got.Path
}

// navigation are the headers that a web-view sends when it opens a URL.
var navigation = []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate", "Accept", "text/html"}

// openPage opens a page with a ticket and returns its cookie, "name=value".
func (env *testEnv) openPage(token string) string {
	env.t.Helper()
	res := env.call("GET", env.ticket(token, "/h5/orders?x=1#/list"), "", "", navigation...)
	if res.Status != http.StatusSeeOther || res.Header.Get("Location") != "/h5/orders?x=1#/list" {
		env.t.Fatalf("%d %v %s", res.Status, res.Header, res.Body)
	}
	return cookieOf(env.t, res)
}

// cookieOf returns the cookie of a response, and checks its attributes.
func cookieOf(t testing.TB, res testkit.Response) string {
	t.Helper()
	lines := res.Header["Set-Cookie"]
	if len(lines) != 1 {
		t.Fatalf("Set-Cookie %q", lines)
	}
	pair, attributes, _ := strings.Cut(lines[0], "; ")
	for _, want := range []string{"Path=/", "HttpOnly", "Secure", "SameSite=Lax", "Max-Age="} {
		if !strings.Contains(attributes, want) {
			t.Errorf("%s is not in %s", want, attributes)
		}
	}
	return pair
}

func TestTicketOpensAWebSessionWithACookie(t *testing.T) {
	env := newWebEnv(t, envConfig{})
	cookie := env.openPage(env.login("alice"))
	res := env.call("GET", "/h5/orders", "", "", "Cookie", "theme=dark; "+cookie+"; lang=zh")
	var got echoResponse
	if res.JSON(t, &got); res.Status != http.StatusOK || got.Header.Get("X-OpenID") != env.user("alice").OpenID {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	if line := got.Header["Cookie"]; len(line) != 1 || line[0] != "theme=dark; lang=zh" {
		t.Errorf("the backend received the cookies %q", line)
	}
	for _, path := range []string{"/public/x", "/shared/x"} {
		res := env.call("GET", path, "", "", "Cookie", cookie)
		if res.JSON(t, &got); strings.Contains(string(res.Body), cookieName) {
			t.Errorf("%s: the cookie reached a backend: %s", path, res.Body)
		}
	}
	if res := env.call("GET", "/api/x", "", "", "Cookie", cookie); res.Code() != "token_missing" {
		t.Errorf("a route without cookies: %d %s", res.Status, res.Body)
	}
	_, value, _ := strings.Cut(cookie, "=")
	if res := env.call("GET", "/h5/x", value, ""); res.Code() != "token_invalid" {
		t.Errorf("a cookie as a token: %d %s", res.Status, res.Body)
	}
	if res := env.call("GET", "/h5/x", "bad", "", "Cookie", cookie); res.Code() != "token_invalid" {
		t.Errorf("an invalid token beside a valid cookie: %d %s", res.Status, res.Body)
	}
	if res := env.call("GET", "/h5/x", "", "", "Cookie", cookie+"; "+cookie); res.Code() != "token_missing" {
		t.Errorf("two cookies: %d %s", res.Status, res.Body)
	}
}

// challenges reports whether the response has WWW-Authenticate with the code. RFC 9110
// requires it of every 401, pages included.
func challenges(res testkit.Response, code string) bool {
	return res.Header.Get("WWW-Authenticate") == `Bearer error="invalid_token", error_description="`+code+`"`
}

func TestTicketOpensOneSession(t *testing.T) {
	redis := redistest.Start(t)
	a := newWebEnv(t, envConfig{redis: redis})
	b := newWebEnv(t, envConfig{redis: redis, sim: a.sim})
	path := a.ticket(a.login("alice"), "/h5/")
	phone := append([]string{"User-Agent", "WeChat"}, navigation...)
	for name, got := range map[string]testkit.Response{
		"HEAD":         a.call("HEAD", path, "", "", phone...),
		"prefetch":     a.call("GET", path, "", "", append([]string{"Sec-Purpose", "prefetch"}, phone...)...),
		"old prefetch": a.call("GET", path, "", "", append([]string{"Purpose", "prefetch"}, phone...)...),
	} {
		if got.Status != http.StatusServiceUnavailable || got.Code() != "prefetch_declined" || !strings.Contains(got.Header.Get("Cache-Control"), "no-store") {
			t.Errorf("%s: %d %v", name, got.Status, got.Header)
		}
	}
	for name, headers := range map[string][]string{
		"a cross-site link":             {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"},
		"a link of a sibling subdomain": {"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate"},
		"a script":                      {"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors"},
	} {
		if got := a.call("GET", path, "", "", headers...); got.Code() != "invalid_ticket" || len(got.Header["Set-Cookie"]) > 0 {
			t.Errorf("%s: %d %v", name, got.Status, got.Header)
		}
	}
	first := a.call("GET", path, "", "", phone...)
	second := b.call("GET", path, "", "", phone...) // a second tap, on the other instance
	if first.Status != http.StatusSeeOther || second.Status != http.StatusSeeOther || cookieOf(t, first) != cookieOf(t, second) {
		t.Errorf("first %d, second %d", first.Status, second.Status)
	}
	if first.Header.Get("Cache-Control") != "private, no-store" || first.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%v", first.Header)
	}
	other := b.call("GET", path, "", "", append([]string{"User-Agent", "another"}, navigation...)...)
	if other.Status != http.StatusUnauthorized || other.Code() != "invalid_ticket" || !challenges(other, "invalid_ticket") || !strings.Contains(string(other.Body), "链接已失效") {
		t.Errorf("another browser: %d %s", other.Status, other.Body)
	}
}

func TestTicketRedirectsToRoutesWithCookiesOnly(t *testing.T) {
	env := newWebEnv(t, envConfig{})
	token := env.login("alice")
	for _, next := range []string{
		"", "h5", "//evil.example/", "https://evil.example/", `/\evil.example`, "/h5/../api/x", "/h5//x", "/h5/%2e%2e/x", "/api/x", "/public/x", "/auth/session",
		"/nowhere", "/h5/\r\nSet-Cookie: a=b", "/h5/" + strings.Repeat("a", 1024), "/.well-known/jwks.json",
	} {
		if res := env.call("POST", "/auth/ticket", token, fmt.Sprintf(`{"next":%q}`, next)); res.Code() != "bad_request" {
			t.Errorf("%q: %d %s", next, res.Status, res.Body)
		}
	}
	if res := env.call("POST", "/auth/ticket", "", `{"next":"/h5/"}`); res.Code() != "token_missing" {
		t.Errorf("without a token: %d %s", res.Status, res.Body)
	}
	cookie := env.openPage(token)
	if res := env.call("POST", "/auth/ticket", "", `{"next":"/h5/"}`, "Cookie", cookie, "Sec-Fetch-Site", "same-origin"); res.Code() != "token_missing" {
		t.Errorf("by cookie: %d %s", res.Status, res.Body)
	}
}

func TestCrossSiteRequestsAreRefused(t *testing.T) {
	env := newWebEnv(t, envConfig{})
	cookie := env.openPage(env.login("alice"))
	own := "http://" + env.addr
	for _, c := range []struct {
		name, method string
		headers      []string
		want         string
	}{
		{"own form", "POST", []string{"Sec-Fetch-Site", "same-origin"}, ""},
		{"own form, old browser", "POST", []string{"Origin", own}, ""},
		{"an additional origin's", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://h5.example.cn"}, ""},
		{"cross-site form", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, "cross_origin"},
		{"cross-site form, old browser", "POST", []string{"Origin", "https://evil.example"}, "cross_origin"},
		{"null", "POST", []string{"Origin", "null"}, "cross_origin"},
		{"neither header", "POST", nil, "cross_origin"},
		{"cross-site link", "GET", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, ""},
		{"cross-site script", "GET", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, "cross_origin"},
	} {
		res := env.call(c.method, "/h5/x", "", "", append(c.headers, "Cookie", cookie)...)
		if res.Code() != c.want || c.want != "" && res.Status != http.StatusForbidden {
			t.Errorf("%s: %d %s", c.name, res.Status, res.Body)
		}
	}
	handshake := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Cookie", cookie}
	for origin, want := range map[string]string{"": "cross_origin", "https://evil.example": "cross_origin", own: ""} {
		headers := handshake
		if origin != "" {
			headers = append(headers, "Origin", origin)
		}
		if res := env.call("GET", "/h5/socket", "", "", headers...); res.Code() != want {
			t.Errorf("a handshake from %q: %d %s", origin, res.Status, res.Body)
		}
	}
	// CORS allows scripts of the additional origin to send the cookie, on this route only.
	withCORS := newWebEnv(t, envConfig{config: func(c *proxy.Config) {
		for _, rt := range c.Routes {
			rt.CORSOrigins = []string{"https://h5.example.cn", "https://www.example.cn"}
		}
	}})
	for origin, want := range map[string]string{"https://h5.example.cn": "true", "https://www.example.cn": ""} {
		for path, credentials := range map[string]string{"/h5/x": want, "/api/x": ""} {
			res := withCORS.call("OPTIONS", path, "", "", "Origin", origin, "Access-Control-Request-Method", "GET")
			if res.Header.Get("Access-Control-Allow-Credentials") != credentials || res.Header.Get("Access-Control-Allow-Origin") != origin {
				t.Errorf("%s at %s: %v", origin, path, res.Header)
			}
		}
	}
}

func TestCookieOfAnEndedSessionIsCleared(t *testing.T) {
	env := newWebEnv(t, envConfig{})
	token := env.login("alice")
	cookie := env.openPage(token)
	if res := env.call("POST", "/auth/logout", token, ""); res.Status != http.StatusNoContent {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	res := env.call("GET", "/h5/x", "", "", "Cookie", cookie)
	if res.Status != http.StatusUnauthorized || res.Code() != "session_ended" || !strings.Contains(strings.Join(res.Header["Set-Cookie"], ""), "Max-Age=0") {
		t.Errorf("a script: %d %v %s", res.Status, res.Header, res.Body)
	}
	res = env.call("GET", "/h5/x", "", "", append([]string{"Cookie", cookie}, navigation...)...)
	if res.Status != http.StatusUnauthorized || res.Code() != "session_ended" || !challenges(res, "session_ended") || !strings.Contains(string(res.Body), "登录已过期") || !strings.Contains(strings.Join(res.Header["Set-Cookie"], ""), "Max-Age=0") {
		t.Errorf("a navigation: %d %v %s", res.Status, res.Header, res.Body)
	}
	// A reload after that has no cookie. A script, and a route without pages, get JSON.
	for path, page := range map[string]bool{"/h5/x": true, "/api/x": false} {
		res := env.call("GET", path, "", "", navigation...)
		if res.Status != http.StatusUnauthorized || res.Code() != "token_missing" || strings.Contains(string(res.Body), "登录已过期") != page {
			t.Errorf("a navigation to %s without a cookie: %d %s", path, res.Status, res.Body)
		}
	}
	if res := env.call("GET", "/h5/x", "", ""); res.Code() != "token_missing" || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		t.Errorf("a script without a cookie: %d %v", res.Status, res.Header)
	}
	var got echoResponse
	res = env.call("GET", "/shared/x", "", "", "Cookie", cookie)
	if res.JSON(t, &got); res.Status != http.StatusOK || got.Header.Get("X-OpenID") != "" || !strings.Contains(strings.Join(res.Header["Set-Cookie"], ""), "Max-Age=0") {
		t.Errorf("an optional route: %d %v %s", res.Status, res.Header, res.Body)
	}
	cookie = env.openPage(env.login("bob"))
	env.redis.Stop()
	if res := env.call("GET", "/h5/x", "", "", "Cookie", cookie+"x"); res.Code() == "session_ended" && len(res.Header["Set-Cookie"]) == 0 {
		t.Errorf("%d %v", res.Status, res.Header)
	}
	if res := env.call("GET", "/auth/enter?ticket="+strings.Repeat("A", 64), "", "", navigation...); len(res.Header["Set-Cookie"]) > 0 {
		t.Errorf("%d %v", res.Status, res.Header)
	}
}

func TestOwnEndpointsByCookie(t *testing.T) {
	env := newWebEnv(t, envConfig{})
	token := env.login("alice")
	cookie := env.openPage(token)
	if res := env.call("GET", "/auth/session", "", "", "Cookie", cookie); res.Status != http.StatusOK || !strings.Contains(string(res.Body), appID) {
		t.Errorf("session: %d %s", res.Status, res.Body)
	}
	for _, c := range [][2]string{{"POST", "/auth/refresh"}, {"GET", "/auth/profile"}, {"POST", "/auth/check"}, {"POST", "/auth/phone"}} {
		if res := env.call(c[0], c[1], "", "{}", "Cookie", cookie, "Sec-Fetch-Site", "same-origin"); res.Code() != "token_missing" {
			t.Errorf("%s: %d %s", c[1], res.Status, res.Body)
		}
	}
	if res := env.call("POST", "/auth/logout", "", "", "Cookie", cookie, "Sec-Fetch-Site", "cross-site"); res.Code() != "cross_origin" {
		t.Errorf("another site's logout: %d %s", res.Status, res.Body)
	}
	res := env.call("POST", "/auth/logout", "", `{"all":true}`, "Cookie", cookie, "Sec-Fetch-Site", "same-origin")
	if res.Status != http.StatusNoContent || !strings.Contains(strings.Join(res.Header["Set-Cookie"], ""), "Max-Age=0") {
		t.Errorf("logout: %d %v", res.Status, res.Header)
	}
	if res := env.call("GET", "/h5/x", "", "", "Cookie", cookie); res.Code() != "session_ended" {
		t.Errorf("after the logout: %d %s", res.Status, res.Body)
	}
	if res := env.call("GET", "/h5/x", token, ""); res.Status != http.StatusOK {
		t.Errorf("the mini program's session: %d %s", res.Status, res.Body)
	}
}

func TestSwitchingUsersNeedsConfirmation(t *testing.T) {
	env := newWebEnv(t, envConfig{})
	alice, bob := env.login("alice"), env.login("bob")
	if res := env.call("PUT", "/auth/profile", alice, `{"nickname":"爱丽丝<b>"}`); res.Status != http.StatusOK {
		t.Fatalf("%d %s", res.Status, res.Body)
	}
	cookie := env.openPage(alice)
	path := env.ticket(bob, "/h5/bob")
	res := env.call("GET", path, "", "", append([]string{"Cookie", cookie}, navigation...)...)
	bobOpenID := env.user("bob").OpenID
	if res.Status != http.StatusOK || !strings.Contains(string(res.Body), "爱丽丝&lt;b&gt;") || !strings.Contains(string(res.Body), bobOpenID[len(bobOpenID)-6:]) || len(res.Header["Set-Cookie"]) > 0 {
		t.Fatalf("%d %v %s", res.Status, res.Header, res.Body)
	}
	form := "ticket=" + url.QueryEscape(strings.TrimPrefix(path, "/auth/enter?ticket="))
	post := func(site string) testkit.Response {
		return env.call("POST", "/auth/enter", "", form, "Cookie", cookie, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", site)
	}
	if res := post("cross-site"); res.Code() != "cross_origin" {
		t.Errorf("another site confirms: %d %s", res.Status, res.Body)
	}
	res = post("same-origin")
	if res.Status != http.StatusSeeOther || res.Header.Get("Location") != "/h5/bob" {
		t.Fatalf("%d %v %s", res.Status, res.Header, res.Body)
	}
	if res := env.call("GET", "/h5/x", "", "", "Cookie", cookie); res.Code() != "session_ended" {
		t.Errorf("alice's web session is still valid: %d %s", res.Status, res.Body)
	}
	if res := env.call("GET", "/h5/x", "", "", "Cookie", cookieOf(t, res)); res.Status != http.StatusOK {
		t.Errorf("bob's page: %d %s", res.Status, res.Body)
	}
}

func TestBackendCannotSetTheWebCookie(t *testing.T) {
	env := newWebEnv(t, envConfig{backend: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Set-Cookie"] = []string{cookieName + "=forged; Path=/; Secure", "own=1"}
	})})
	for _, path := range []string{"/public/x", "/shared/x"} {
		if res := env.call("GET", path, "", ""); len(res.Header["Set-Cookie"]) != 1 || res.Header["Set-Cookie"][0] != "own=1" {
			t.Errorf("%s: %q", path, res.Header["Set-Cookie"])
		}
	}
}

func TestCookieIsRenewedBySetCookieOnly(t *testing.T) {
	redis := redistest.Start(t)
	a := newWebEnv(t, envConfig{redis: redis})
	b := newWebEnv(t, envConfig{redis: redis, sim: a.sim, settings: func(c *session.Config) { c.RenewBefore = 1000 * time.Hour }})
	cookie := a.openPage(a.login("alice"))
	// This instance has not sent the cookie yet, so that the response renews it.
	first := b.call("GET", "/h5/x", "", "", append([]string{"Cookie", cookie}, navigation...)...)
	if first.Status != http.StatusOK {
		t.Fatalf("%d %s", first.Status, first.Body)
	}
	if cookieOf(t, first) != cookie || first.Header.Get("Cache-Control") != "private, no-store" || first.Header.Get("X-Session-Token") != "" {
		t.Errorf("%v", first.Header)
	}
	if second := b.call("GET", "/h5/x", "", "", "Cookie", cookie); len(second.Header["Set-Cookie"]) != 0 {
		t.Errorf("%v", second.Header)
	}
}

// An event stream of a page ends with the session of the mini program.
func TestWebStreamEndsOnLogout(t *testing.T) {
	env := newWebEnv(t, envConfig{backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: 1\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})})
	token := env.login("alice")
	req, err := http.NewRequestWithContext(t.Context(), "GET", env.base+"/h5/events", nil)
	testkit.Must(t, err)
	req.Header.Set("Cookie", env.openPage(token))
	res, err := client.Do(req)
	testkit.Must(t, err)
	defer res.Body.Close()
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, res.Body)
		close(ended)
	}()
	if a := env.call("POST", "/auth/logout", token, ""); a.Status != http.StatusNoContent {
		t.Fatalf("%d", a.Status)
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("the stream stays open")
	}
}

func TestTicketsAndCookiesAreNotLogged(t *testing.T) {
	env := newWebEnv(t, envConfig{})
	token := env.login("alice")
	path := env.ticket(token, "/h5/")
	res := env.call("GET", path, "", "", navigation...)
	cookie := cookieOf(t, res)
	env.call("GET", path, "", "", "User-Agent", "another")
	env.call("GET", "/h5/x", "", "", "Cookie", cookie)
	_, value, _ := strings.Cut(cookie, "=")
	for name, text := range map[string]string{"ticket": strings.TrimPrefix(path, "/auth/enter?ticket="), "cookie": value[45:]} {
		if strings.Contains(env.logs.String(), text) {
			t.Errorf("the %s is in the log", name)
		}
	}
}

func TestEnterDuringARedisOutage(t *testing.T) {
	env := newWebEnv(t, envConfig{})
	path := env.ticket(env.login("alice"), "/h5/")
	env.redis.Stop()
	if res := env.call("GET", path, "", "", navigation...); res.Status != http.StatusServiceUnavailable || res.Code() != "store_unavailable" || res.Header.Get("Retry-After") == "" || len(res.Header["Set-Cookie"]) > 0 {
		t.Errorf("%d %v", res.Status, res.Header)
	}
	env.redis.Start()
}
