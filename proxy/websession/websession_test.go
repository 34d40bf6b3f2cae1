package websession_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"wxgate/internal/httprule"
	"wxgate/proxy/websession"
)

func origins(t *testing.T, texts ...string) []httprule.Origin {
	t.Helper()
	var list []httprule.Origin
	for _, text := range texts {
		o, err := httprule.ParseOrigin(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, o)
	}
	return list
}

// headers makes a header of name, value pairs, as net/http keys it.
func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func TestOnlyOurOwnPagesUseTheCookie(t *testing.T) {
	const own, evil = "https://api.example.com", "https://evil.example"
	for _, c := range []struct {
		name   string
		method string
		header []string
		want   bool
	}{
		{"form of our page", "POST", []string{"Sec-Fetch-Site", "same-origin", "Origin", own}, true},
		{"form of a no-referrer page of ours", "POST", []string{"Sec-Fetch-Site", "same-origin", "Origin", "null"}, true},
		{"typed by a person", "POST", []string{"Sec-Fetch-Site", "none"}, true},
		{"form of another site", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", evil}, false},
		{"form of a sibling", "POST", []string{"Sec-Fetch-Site", "same-site", "Origin", "https://www.example.com"}, false},
		{"another site says our origin", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", own}, false},
		{"Sec-Fetch-Site twice", "POST", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "same-origin", "Origin", own}, false},
		{"Sec-Fetch-Site unknown", "POST", []string{"Sec-Fetch-Site", "same-ish", "Origin", own}, false},
		{"old browser, our page", "POST", []string{"Origin", own}, true},
		{"old browser, capitals and port", "POST", []string{"Origin", "HTTPS://API.example.com:443"}, true},
		{"old browser, another port", "POST", []string{"Origin", own + ":8443"}, false},
		{"old browser, another scheme", "POST", []string{"Origin", "http://api.example.com"}, false},
		{"old browser, another site", "DELETE", []string{"Origin", evil}, false},
		{"old browser, null", "POST", []string{"Origin", "null"}, false},
		{"old browser, two origins", "POST", []string{"Origin", own, "Origin", own}, false},
		{"no sign at all", "POST", nil, false},
		{"no sign, PATCH", "PATCH", nil, false},
		{"no sign, unknown method", "PURGE", nil, false},
		{"read by our page", "GET", []string{"Sec-Fetch-Site", "same-origin"}, true},
		{"link of another site", "GET", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, true},
		{"script of another site", "GET", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, false},
		{"fetch of another site", "GET", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors", "Origin", evil}, false},
		{"image of a sibling", "HEAD", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors"}, false},
		{"mode twice", "GET", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Mode", "navigate"}, false},
		{"old browser reads", "GET", nil, true},
		{"further origin fetches", "GET", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors", "Origin", "https://h5.example.cn"}, true},
		{"further origin posts", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://h5.example.cn"}, true},
		{"further origin, old browser", "POST", []string{"Origin", "https://h5.example.cn"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := websession.Request{Method: c.method, Header: headers(c.header...), Scheme: "https", Host: "API.example.com:443"}
			for _, o := range []websession.Origins{
				{Further: origins(t, "https://h5.example.cn")},
				{Public: origins(t, own), Further: origins(t, "https://h5.example.cn")},
			} {
				if got := o.Allows(request); got != c.want {
					t.Errorf("allowed: %v (public origins: %v)", got, o.Public)
				}
			}
		})
	}
}

func TestHandshakeNeedsOurOrigin(t *testing.T) {
	for origin, want := range map[string]bool{
		"https://api.example.com": true, "https://evil.example": false, "null": false, "": false, "http://api.example.com": false,
	} {
		h := headers("Sec-Fetch-Site", "same-origin")
		if origin != "" {
			h.Set("Origin", origin)
		}
		o := websession.Origins{}
		if got := o.Allows(websession.Request{Method: "GET", WebSocket: true, Header: h, Scheme: "https", Host: "api.example.com"}); got != want {
			t.Errorf("a handshake from %q: allowed %v", origin, got)
		}
	}
}

// Behind a proxy that rewrites Host, or ends TLS, only public_origins can tell.
func TestPublicOriginsStandInPlaceOfHost(t *testing.T) {
	inside := websession.Request{Method: "POST", Header: headers("Origin", "https://api.example.com"), Scheme: "http", Host: "10.0.0.5:8080"}
	if (websession.Origins{}).Allows(inside) {
		t.Error("another host's page was taken for our own")
	}
	if !(websession.Origins{Public: origins(t, "https://api.example.com")}).Allows(inside) {
		t.Error("the public origin's page was refused")
	}
	inside.Header = headers("Origin", "http://10.0.0.5:8080")
	if (websession.Origins{Public: origins(t, "https://api.example.com")}).Allows(inside) {
		t.Error("Host counts although there are public origins")
	}
}

func TestCookieIsReadOnce(t *testing.T) {
	c := websession.Cookie{Name: "__Host-wxgate"}
	for _, x := range []struct {
		lines []string
		value string
		ok    bool
		left  string
	}{
		{nil, "", false, ""},
		{[]string{"a=1; __Host-wxgate=tok; b=2"}, "tok", true, "a=1; b=2"},
		{[]string{"a=1", "__Host-wxgate=tok"}, "tok", true, "a=1"},
		{[]string{"__Host-wxgate=one; __Host-wxgate=two"}, "one", false, ""},
		{[]string{"__Host-wxgate=tok", "__Host-wxgate=tok"}, "tok", false, ""},
		{[]string{"__host-wxgate=tok; a=1"}, "", false, "a=1"},
		{[]string{"__Host-wxgate = tok;a=1"}, "", false, "a=1"},
		{[]string{"=__Host-wxgate=tok;a=1"}, "", false, "a=1"},
		{[]string{`"__Host-wxgate"=tok;a=1`}, "", false, "a=1"},
		{[]string{"__Host-wxgate; a=1"}, "", false, "a=1"},
		{[]string{"__Host-wxgate=; a=1"}, "", false, "a=1"},
		{[]string{"__Host-wxgate2=x;;a=b=c "}, "", false, "__Host-wxgate2=x; a=b=c"},
	} {
		value, ok := c.Read(x.lines)
		if ok != x.ok || ok && value != x.value {
			t.Errorf("%q: read %q, %v", x.lines, value, ok)
		}
		if left := c.Strip(x.lines); left != x.left {
			t.Errorf("%q: a backend gets %q, not %q", x.lines, left, x.left)
		}
	}
}

func TestBackendCannotSetTheCookie(t *testing.T) {
	c := websession.Cookie{Name: "__Host-wxgate"}
	for line, want := range map[string]bool{
		"__Host-wxgate=x; Path=/": true, "__HOST-WXGATE=x": true, " __Host-wxgate =x": true, "=__Host-wxgate=x": true,
		"__Host-wxgate2=x": false, "sid=__Host-wxgate=x": false, "": false,
	} {
		if c.SetBy(line) != want {
			t.Errorf("%q: %v", line, !want)
		}
	}
	if (websession.Cookie{}).SetBy("=x") {
		t.Error("without web sessions no name is taken")
	}
}

func TestCookieAttributes(t *testing.T) {
	c := websession.Cookie{Name: "__Host-wxgate"}
	if got, want := c.Set("tok", 12*time.Hour), "__Host-wxgate=tok; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Lax"; got != want {
		t.Errorf("Set gives %s", got)
	}
	if got, want := c.Clear(), "__Host-wxgate=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"; got != want {
		t.Errorf("Clear gives %s", got)
	}
	c = websession.Cookie{Name: "wxgate_dev", Insecure: true}
	if strings.Contains(c.Set("tok", time.Hour), "Secure") {
		t.Error("a development cookie is Secure")
	}
}

func TestNextStaysOnThisOrigin(t *testing.T) {
	for next, want := range map[string][2]string{
		"/h5/orders":            {"/h5/orders", "/h5/orders"},
		"/h5/orders?x=1#/list":  {"/h5/orders?x=1", "/h5/orders?x=1#/list"},
		"/h5/?city=北京#/列表":      {"/h5/?city=%E5%8C%97%E4%BA%AC", "/h5/?city=%E5%8C%97%E4%BA%AC#/%E5%88%97%E8%A1%A8"},
		"/h5/#":                 {"/h5/", "/h5/#"},
		"/h5/?to=https://x.com": {"/h5/?to=https://x.com", "/h5/?to=https://x.com"},
	} {
		target, location, err := websession.SplitNext(next)
		if err != nil || target != want[0] || location != want[1] {
			t.Errorf("%s: %q, %q, %v", next, target, location, err)
		}
	}
	for _, next := range []string{
		"", "h5", "//evil.example/x", "https://evil.example", `/\evil.example`, "/a\r\nSet-Cookie: a=b", "/a b", "/a\x00", "/a\x7f", "/\xff",
		"javascript:alert(1)", "/" + strings.Repeat("a", websession.MaxNext), "/a#\n",
	} {
		if target, _, err := websession.SplitNext(next); err == nil {
			t.Errorf("%q was taken: %q", next, target)
		}
	}
}

func TestPrefetchAndNavigationAreKnown(t *testing.T) {
	for _, h := range []http.Header{headers("Sec-Purpose", "prefetch;prerender"), headers("Purpose", "prefetch"), headers("X-Moz", "prefetch")} {
		if !websession.IsPrefetch(h) {
			t.Errorf("%v is no prefetch", h)
		}
	}
	if websession.IsPrefetch(headers("Sec-Fetch-Site", "none")) {
		t.Error("a click is taken for a prefetch")
	}
	for _, c := range []struct {
		method string
		header []string
		want   bool
	}{
		{"GET", []string{"Sec-Fetch-Mode", "navigate"}, true},
		{"GET", []string{"Sec-Fetch-Mode", "cors", "Accept", "text/html"}, false},
		{"GET", []string{"Accept", "text/html,application/xhtml+xml"}, true},
		{"GET", []string{"Accept", "text/event-stream"}, false},
		{"GET", nil, false},
		{"POST", []string{"Sec-Fetch-Mode", "navigate"}, false},
	} {
		r := httptest.NewRequest(c.method, "/", nil)
		r.Header = headers(c.header...)
		if got := websession.IsNavigation(r); got != c.want {
			t.Errorf("%s %v: %v", c.method, c.header, got)
		}
	}
}

func TestPagesEscapeNamesAndLoadNothing(t *testing.T) {
	w := httptest.NewRecorder()
	websession.Ask("req-1", websession.Confirm{Action: "/auth/enter", Ticket: `"><script>`, Current: "<b>小明</b>", New: "小红"}).Write(w, http.StatusOK)
	body := w.Body.String()
	if strings.Contains(body, "<script>") || strings.Contains(body, "<b>小明") || !strings.Contains(body, "小红") {
		t.Error("a name or a ticket was written as HTML")
	}
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(body, "src=") || strings.Contains(body, "href=") {
		t.Errorf("the page may load something: %s", policy)
	}
	if w.Header().Get("Cache-Control") != "private, no-store" {
		t.Error("the page may be kept")
	}
}

func FuzzCookie(f *testing.F) {
	c := websession.Cookie{Name: "__Host-wxgate"}
	f.Add("a=1; __Host-wxgate=tok", "b=2")
	f.Fuzz(func(t *testing.T, one, two string) {
		left := c.Strip([]string{one, two})
		if _, ok := c.Read([]string{left}); ok {
			t.Errorf("%q is left of %q and %q", left, one, two)
		}
		if again := c.Strip([]string{left}); again != left {
			t.Errorf("%q, and then %q", left, again)
		}
	})
}

// Whatever is asked for, a ticket leads to this origin, and a header can carry it.
func FuzzSplitNext(f *testing.F) {
	for _, next := range []string{"/h5/orders?x=1#/list", "//evil.example", `/\evil.example`, "/h5/订单?q=你#好", "/a#//b", "/\t/evil.example", "https://evil.example/"} {
		f.Add(next)
	}
	base, err := url.Parse("https://api.example.com/auth/enter?ticket=x")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, next string) {
		target, location, err := websession.SplitNext(next)
		if err != nil {
			return
		}
		if strings.ContainsFunc(location, func(c rune) bool { return c <= ' ' || c >= 0x7f }) || !strings.HasPrefix(location, target) {
			t.Errorf("%q leads to %q, with the target %q", next, location, target)
		}
		if u, err := base.Parse(location); err == nil && (u.Host != base.Host || u.Scheme != base.Scheme) {
			t.Errorf("%q leads to %s", next, u)
		}
	})
}

// A proof of origin is read without a panic, and another origin is never ours.
func FuzzSameOrigin(f *testing.F) {
	for _, seed := range [][2]string{{"https://api.example.com", ""}, {"null", ""}, {"https://api.example.com:443", "none"}, {"https://evil.example", "same-site"}, {"https://API.example.com.", "x"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, origin, site string) {
		h := http.Header{"Origin": {origin}}
		if site != "" {
			h["Sec-Fetch-Site"] = []string{site}
		}
		r := websession.Request{Method: "POST", Header: h, Scheme: "https", Host: "api.example.com"}
		if !(websession.Origins{}).Allows(r) || site == "same-origin" || site == "none" {
			return
		}
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "https" || !strings.EqualFold(u.Hostname(), "api.example.com") || u.Port() != "" && u.Port() != "443" {
			t.Errorf("the origin %q with Sec-Fetch-Site %q is taken for ours", origin, site)
		}
	})
}
