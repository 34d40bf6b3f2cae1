package proxy

import (
	"net/url"
	"testing"
)

func TestLocationIsRewrittenToThePublicPath(t *testing.T) {
	t.Parallel()
	backend := []*url.URL{{Scheme: "http", Host: "10.0.0.5:8080"}, {Scheme: "http", Host: "app"}}
	plain := &Route{BackendURLs: backend}
	strip := &Route{BackendURLs: backend, StripPrefix: "/shop/"}
	add := &Route{BackendURLs: backend, StripPrefix: "/shop", AddPrefix: "/v1"}
	preserved := &Route{BackendURLs: backend, StripPrefix: "/shop", PreserveHost: true}
	for _, test := range []struct {
		route          *Route
		location, want string
	}{
		{plain, "http://10.0.0.5:8080/login?x=1#top", "/login?x=1#top"},
		{plain, "http://10.0.0.5:8080", "/"},
		{plain, "http://10.0.0.5:8080?x=1", "/?x=1"},
		{plain, "//10.0.0.5:8080/a", "/a"},
		{plain, "https://APP/a%20b?c=%2f", "/a%20b?c=%2f"},
		{plain, "http://app:80/a", "/a"},
		{plain, "http://10.0.0.5:8080/a?", "/a?"},
		{plain, "/login", "/login"},
		{plain, "login", "login"},
		{plain, "?page=2", "?page=2"},
		{plain, "", ""},
		{plain, "http://10.0.0.5:9090/other", "http://10.0.0.5:9090/other"},
		{plain, "http://10.0.0.5/other", "http://10.0.0.5/other"},
		{plain, "https://example.com/pay", "https://example.com/pay"},
		{plain, "weixin://dl/business", "weixin://dl/business"},
		{plain, "mailto:a@app", "mailto:a@app"},
		{plain, "http://user@app/a", "http://user@app/a"},
		{plain, "http://app//evil.test/", "http://app//evil.test/"}, // "//evil.test/" alone would be another host
		{plain, "http://app/%zz", "http://app/%zz"},
		{strip, "http://app/login", "/shop/login"},
		{strip, "/login", "/shop/login"},
		{strip, "/", "/shop/"},
		{strip, "/shop/login", "/shop/login"}, // the backend has used X-Forwarded-Prefix
		{strip, "/shopping", "/shop/shopping"},
		{strip, "https://example.com/login", "https://example.com/login"},
		{add, "/v1/login", "/shop/login"},
		{add, "/v1", "/shop/"},
		{add, "http://app/v1/login", "/shop/login"},
		{add, "http://app/elsewhere", "/elsewhere"},
		{preserved, "http://gw.test/login", "/shop/login"},
		{preserved, "https://gw.test/shop/login", "/shop/login"},
		{strip, "http://gw.test/other-app", "http://gw.test/other-app"},
	} {
		if got := test.route.publicLocation(test.location, "gw.test"); got != test.want {
			t.Errorf("%q became %q, not %q", test.location, got, test.want)
		}
	}
}
