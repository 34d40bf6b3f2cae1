package websession_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

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

// headers returns a header of name, value pairs.
func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func TestOnlyPagesOfAllowedOriginsUseTheCookie(t *testing.T) {
	const own, evil = "https://api.example.com", "https://evil.example"
	for _, c := range []struct {
		name   string
		method string
		header []string
		want   bool
	}{
		{"form of an own page", "POST", []string{"Sec-Fetch-Site", "same-origin", "Origin", own}, true},
		{"form of an own page with no-referrer", "POST", []string{"Sec-Fetch-Site", "same-origin", "Origin", "null"}, true},
		{"a person entered the URL", "POST", []string{"Sec-Fetch-Site", "none"}, true},
		{"form of another site", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", evil}, false},
		{"form of a sibling subdomain", "POST", []string{"Sec-Fetch-Site", "same-site", "Origin", "https://www.example.com"}, false},
		{"another site sends the own origin", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", own}, false},
		{"Sec-Fetch-Site twice", "POST", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "same-origin", "Origin", own}, false},
		{"Sec-Fetch-Site unknown", "POST", []string{"Sec-Fetch-Site", "same-ish", "Origin", own}, false},
		{"old browser, own page", "POST", []string{"Origin", own}, true},
		{"old browser, capitals and port", "POST", []string{"Origin", "HTTPS://API.example.com:443"}, true},
		{"old browser, another port", "POST", []string{"Origin", own + ":8443"}, false},
		{"old browser, another scheme", "POST", []string{"Origin", "http://api.example.com"}, false},
		{"old browser, another site", "DELETE", []string{"Origin", evil}, false},
		{"old browser, null", "POST", []string{"Origin", "null"}, false},
		{"old browser, two origins", "POST", []string{"Origin", own, "Origin", own}, false},
		{"neither Sec-Fetch-Site nor Origin", "POST", nil, false},
		{"neither, PATCH", "PATCH", nil, false},
		{"neither, unknown method", "PURGE", nil, false},
		{"GET by an own page", "GET", []string{"Sec-Fetch-Site", "same-origin"}, true},
		{"link of another site", "GET", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, true},
		{"script of another site", "GET", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, false},
		{"fetch of another site", "GET", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors", "Origin", evil}, false},
		{"image request of a sibling subdomain", "HEAD", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors"}, false},
		{"Sec-Fetch-Mode twice", "GET", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Mode", "navigate"}, false},
		{"old browser, GET", "GET", nil, true},
		{"additional origin, GET", "GET", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors", "Origin", "https://h5.example.cn"}, true},
		{"additional origin, POST", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://h5.example.cn"}, true},
		{"additional origin, old browser", "POST", []string{"Origin", "https://h5.example.cn"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := websession.Request{Method: c.method, Header: headers(c.header...), Scheme: "https", Host: "API.example.com:443"}
			for _, o := range []websession.Origins{
				{Additional: origins(t, "https://h5.example.cn")},
				{Public: origins(t, own), Additional: origins(t, "https://h5.example.cn")},
			} {
				if got := o.Allows(request); got != c.want {
					t.Errorf("allowed: %v (public origins: %v)", got, o.Public)
				}
			}
		})
	}
}

func TestWebSocketHandshakeNeedsAnAllowedOrigin(t *testing.T) {
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

// Behind a proxy that rewrites Host or terminates TLS, only public_origins has the origin
// of the gateway's pages.
func TestPublicOriginsReplaceHost(t *testing.T) {
	inside := websession.Request{Method: "POST", Header: headers("Origin", "https://api.example.com"), Scheme: "http", Host: "10.0.0.5:8080"}
	if (websession.Origins{}).Allows(inside) {
		t.Error("a page of another host was allowed")
	}
	if !(websession.Origins{Public: origins(t, "https://api.example.com")}).Allows(inside) {
		t.Error("a page of the public origin was refused")
	}
	inside.Header = headers("Origin", "http://10.0.0.5:8080")
	if (websession.Origins{Public: origins(t, "https://api.example.com")}).Allows(inside) {
		t.Error("Host is used although public origins are configured")
	}
}

// No header value makes the check panic, or allows another origin.
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
			t.Errorf("the origin %q with Sec-Fetch-Site %q is allowed", origin, site)
		}
	})
}
