package proxy_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/proxy"
	"wxgate/secret"
	"wxgate/session"
)

func TestLongestPathWinsThenHost(t *testing.T) {
	t.Parallel()
	table := proxy.NewTable([]*proxy.Route{
		{Name: "root", Path: "/"},
		{Name: "api", Path: "/api/"},
		{Name: "api-a", Path: "/api/", Host: "a.test"},
		{Name: "api-wild", Path: "/api/", Host: "*.test"},
		{Name: "deep", Path: "/api/v1/admin", Methods: []string{"GET"}},
		{Name: "deep-post", Path: "/api/v1/admin/", Methods: []string{"POST"}},
	})
	for _, c := range []struct{ host, path, method, want string }{
		{"x", "/", "GET", "root"},
		{"x", "/apiary", "GET", "root"},
		{"x", "/api", "GET", "api"},
		{"x", "/api/", "GET", "api"},
		{"x", "/api/v1/administrator", "GET", "api"},
		{"a.test", "/api/x", "GET", "api-a"},
		{"b.test", "/api/x", "GET", "api-wild"},
		{"test", "/api/x", "GET", "api"},
		{"a.test", "/api/v1/admin/x/y/z", "GET", "deep"},
		{"a.test", "/api/v1/admin", "HEAD", "deep"},
		{"a.test", "/api/v1/admin", "POST", "deep-post"},
		{"a.test", "/api/v1/admin", "DELETE", ""},
	} {
		m := table.Match(c.host, c.path, func(rt *proxy.Route) bool { return rt.AcceptsMethod(c.method) })
		got := ""
		if m.Route != nil {
			got = m.Route.Name
		}
		if got != c.want || (c.want == "") != (m.Allowed != "") {
			t.Errorf("%s %s%s: %q (allowed %q), want %q", c.method, c.host, c.path, got, m.Allowed, c.want)
		}
	}
}

func TestPrefixesAreReplacedAtSegmentBoundariesOnly(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{routes: []*proxy.Route{
		{Name: "strip", Path: "/app/", Auth: proxy.AuthNone, StripPrefix: "/app"},
		{Name: "both", Path: "/old/", Auth: proxy.AuthNone, StripPrefix: "/old/", AddPrefix: "/new/"},
		{Name: "all", Path: "/", Auth: proxy.AuthNone, StripPrefix: "/app"},
	}})
	for path, want := range map[string]string{
		"/app":                     "/",
		"/app/":                    "/",
		"/app/x/y?q=%2f;a=b&a=%zz": "/x/y?q=%2f;a=b&a=%zz",
		"/a%70p/x%20y":             "/x%20y",
		"/app/%E4%B8%AD%25":        "/%E4%B8%AD%25",
		"/old/x":                   "/new/x",
		"/application/x":           "/application/x",
		"/x?":                      "/x?",
	} {
		var got echoResponse
		env.call("GET", path, "", "").JSON(t, &got)
		if got.Target != want {
			t.Errorf("%s reached the backend as %s, not %s", path, got.Target, want)
		}
	}
}

func TestMethodOverrideOnlyWhereAllowed(t *testing.T) {
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
		a := env.call(c.method, c.path, "", "", "X-HTTP-Method-Override", c.override)
		var got echoResponse
		if a.Status == 200 {
			a.JSON(t, &got)
		}
		if got.Method != c.want || got.Header.Get("X-Http-Method-Override") != "" {
			t.Errorf("%s %s as %s: %d, the backend received %q", c.method, c.path, c.override, a.Status, got.Method)
		}
	}
}

func TestRouteRequiresRoleOrPhone(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{routes: []*proxy.Route{
		{Name: "phone", Path: "/phone/", Auth: proxy.AuthRequired, RequirePhone: true},
		{Name: "roles", Path: "/roles/", Auth: proxy.AuthRequired, Roles: []string{"admin", "staff"}},
	}, config: func(c *proxy.Config) { c.Identity.Phone = "X-Phone" }})
	alice := env.user("alice")
	token := env.login("alice")
	if a := env.call("GET", "/phone/x", token, ""); a.Status != 403 || a.Code() != "phone_required" {
		t.Errorf("without a phone: %d %s", a.Status, a.Code())
	}
	if a := env.call("GET", "/roles/x", token, ""); a.Status != 403 || a.Code() != "forbidden" {
		t.Errorf("without a role: %d %s", a.Status, a.Code())
	}
	bound := env.call("POST", "/auth/phone", token, `{"code":"`+alice.PhoneCode()+`"}`)
	if bound.Status != 200 {
		t.Fatalf("binding: %d %s", bound.Status, bound.Body)
	}
	testkit.Within(t, time.Second, "the route accepts the session with a phone", func() bool {
		a := env.call("GET", "/phone/x", token, "")
		return a.Status == 200 && strings.Contains(string(a.Body), `"X-Phone":["`+alice.Phone()+`"]`)
	})
}

func TestRenewedTokenIsSentWithTheResponse(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{
		settings: func(s *session.Config) { s.TokenTTL, s.RenewBefore = time.Hour, time.Hour },
		backend: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Session-Token", "from-the-backend")
			w.Header().Set("X-Gateway-Error", "token_expired")
			w.Header().Set("Cache-Control", "public, max-age=3600")
		}),
	})
	token := env.login("alice")
	var a testkit.Response
	var renewed []string
	// A token is renewed when a new one would expire at least a second later.
	testkit.Within(t, 5*time.Second, "a renewal", func() bool {
		a = env.call("GET", "/api/x", token, "")
		renewed = a.Header.Values("X-Session-Token")
		return len(renewed) > 0
	})
	if len(renewed) != 1 || renewed[0] == "from-the-backend" || renewed[0] == token || a.Header.Get("Cache-Control") != "private, no-store" {
		t.Fatalf("the response has %v", a.Header)
	}
	if a.Code() != "" {
		t.Error("a backend can set X-Gateway-Error")
	}
	for _, valid := range []string{token, renewed[0]} {
		if a := env.call("GET", "/api/x", valid, ""); a.Status != 200 {
			t.Errorf("after renewal: %d %s", a.Status, a.Code())
		}
	}
	if a := env.call("GET", "/public/x", "", ""); a.Header.Get("X-Session-Token") != "" {
		t.Error("a backend can set X-Session-Token")
	}
}

func TestOptionalRouteRefusesInvalidTokens(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{})
	if a := env.call("GET", "/optional/x", "", ""); a.Status != 200 {
		t.Errorf("without a token: %d", a.Status)
	}
	if a := env.call("GET", "/optional/x", "nonsense", ""); a.Status != 401 || a.Code() != "token_invalid" {
		t.Errorf("with an invalid one: %d %s", a.Status, a.Code())
	}
}

func TestCookieJarStoresCookiesInTheGateway(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{
		routes: []*proxy.Route{
			{Name: "jar", Path: "/", Auth: proxy.AuthRequired, Cookies: proxy.CookiesJar, CookieJarID: "b", BackendURLs: []*url.URL{{Scheme: "http", Host: "127.0.0.1"}}},
			{Name: "drop", Path: "/drop/", Auth: proxy.AuthRequired, Cookies: proxy.CookiesDrop},
		},
		backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for _, line := range r.URL.Query()["set"] {
				w.Header().Add("Set-Cookie", line)
			}
			fmt.Fprint(w, r.Header.Get("Cookie"))
		}),
	})
	alice, bob := env.login("alice"), env.login("bob")
	get := func(token, path string) string {
		a := env.call("GET", path, token, "", "Cookie", "evil=1")
		if a.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: a cookie reached the client", path)
		}
		return string(a.Body)
	}
	get(alice, "/a/b?set=s%3D1%3B+Path%3D%2F&set=local%3D2&set=expired%3D3%3B+Max-Age%3D0&set=other%3D4%3B+Domain%3Devil.example")
	for path, want := range map[string]string{"/a/c": "local=2; s=1", "/z": "s=1", "/drop/x": ""} {
		if got := get(alice, path); got != want {
			t.Errorf("%s was sent %q, not %q", path, got, want)
		}
	}
	if got := get(bob, "/a/c"); got != "" {
		t.Errorf("bob was sent %q", got)
	}
	get(alice, "/a/b?set=s%3D%3B+Path%3D%2F%3B+Expires%3DThu%2C+01+Jan+1970+00%3A00%3A00+GMT")
	if got := get(alice, "/z"); got != "" {
		t.Errorf("an expired cookie was sent: %q", got)
	}
}

func TestGatewayReplacesTheBackendsCORSHeaders(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{
		routes: []*proxy.Route{
			{Name: "h5", Path: "/h5/", Auth: proxy.AuthRequired, CORSOrigins: []string{"https://good.test"}},
			{Name: "api", Path: "/api/", Auth: proxy.AuthRequired},
		},
		backend: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Access-Control-Allow-Credentials", "true")
		}),
	})
	preflight := []string{"Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "authorization"}
	a := env.call("OPTIONS", "/h5/x", "", "", append(preflight, "Origin", "https://good.test")...)
	if a.Status != 204 || a.Header.Get("Access-Control-Allow-Origin") != "https://good.test" || a.Header.Get("Access-Control-Allow-Headers") != "authorization" {
		t.Errorf("preflight: %d %v", a.Status, a.Header)
	}
	for _, origin := range []string{"https://evil", "null", "https://good.test.evil", "https://evilgood.test", "http://good.test", "https://good.test:444"} {
		for _, method := range []string{"OPTIONS", "GET"} {
			a := env.call(method, "/h5/x", "", "", append(preflight, "Origin", origin)...)
			if a.Header.Get("Access-Control-Allow-Origin") != "" || !strings.Contains(a.Header.Get("Vary"), "Origin") {
				t.Errorf("%s from %s: %d %v", method, origin, a.Status, a.Header)
			}
		}
	}
	token := env.login("alice")
	a = env.call("GET", "/h5/x", token, "", "Origin", "https://good.test")
	if got := a.Header.Values("Access-Control-Allow-Origin"); len(got) != 1 || got[0] != "https://good.test" || a.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("response: %v", a.Header)
	}
	if a := env.call("OPTIONS", "/api/x", "", "", append(preflight, "Origin", "https://good.test")...); a.Status != 401 {
		t.Errorf("a preflight of a route without origins: %d", a.Status)
	}
}

func TestRateLimitIsPerUser(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{routes: []*proxy.Route{{Name: "api", Path: "/", Auth: proxy.AuthRequired, RateLimit: session.Rate{Count: 2, Per: time.Minute}}}})
	alice, bob := env.login("alice"), env.login("bob")
	for i := range 4 {
		a := env.call("GET", "/x", alice, "")
		if (a.Status == 429) != (i >= 2) {
			t.Errorf("alice's request %d: %d", i, a.Status)
		}
	}
	if a := env.call("GET", "/x", bob, ""); a.Status != 200 {
		t.Errorf("bob: %d", a.Status)
	}
}

func TestAssertionIsSetAndItsKeysArePublished(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{
		config:   func(c *proxy.Config) { c.Identity.Assertion = "X-Identity-Assertion" },
		settings: func(s *session.Config) { s.Secrets = append(s.Secrets, secret.Text(strings.Repeat("old0", 8))) },
	})
	token := env.login("alice")
	read := func() string {
		var got echoResponse
		env.call("GET", "/api/x", token, "", "X-Identity-Assertion", "forged").JSON(t, &got)
		return strings.Join(got.Header.Values("X-Identity-Assertion"), "|")
	}
	first := read()
	if strings.Count(first, ".") != 2 || first != read() {
		t.Errorf("assertions %q", first)
	}
	if a := env.call("GET", "/api/x", first, ""); a.Code() != "token_invalid" {
		t.Errorf("an assertion as a token: %d %s", a.Status, a.Code())
	}
	keys := env.call("GET", "/.well-known/jwks.json", "", "")
	if keys.Status != 200 || strings.Count(string(keys.Body), `"kid"`) != 2 || strings.Contains(string(keys.Body), `"d"`) {
		t.Errorf("keys: %d %s", keys.Status, keys.Body)
	}
}

func TestCloudRunHeadersAreSetByTheGatewayOnly(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{config: func(c *proxy.Config) { c.Identity.CloudRun = true }})
	var got echoResponse
	env.call("GET", "/api/x", env.login("alice"), "", "X-WX-OPENID", "oADMIN", "X-WX-SERVICE", "x").JSON(t, &got)
	if got.Header.Get("X-WX-OPENID") != env.user("alice").OpenID || got.Header.Get("X-WX-SOURCE") != "wx_client" || got.Header.Get("X-WX-SERVICE") != "" {
		t.Errorf("the backend received %v", got.Header)
	}
	var anonymous echoResponse
	env.call("GET", "/public/x", "", "", "X-WX-OPENID", "oADMIN").JSON(t, &anonymous)
	for name := range anonymous.Header {
		if strings.HasPrefix(name, "X-Wx-") {
			t.Errorf("an anonymous request has %s", name)
		}
	}
}

func TestCookiesOfConcurrentResponsesAreAllStored(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{
		routes: []*proxy.Route{{Name: "jar", Path: "/", Auth: proxy.AuthRequired, Cookies: proxy.CookiesJar, CookieJarID: "b"}},
		backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if name := r.URL.Query().Get("set"); name != "" {
				w.Header().Set("Set-Cookie", name+"=1; Path=/")
			}
			fmt.Fprint(w, r.Header.Get("Cookie"))
		}),
	})
	token := env.login("alice")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() { env.call("GET", fmt.Sprintf("/x?set=c%d", i), token, "") })
	}
	all.Wait()
	if got := string(env.call("GET", "/x", token, "").Body); strings.Count(got, "=1") != 8 {
		t.Errorf("stored: %q", got)
	}
}
