package proxy_test

import (
	"net/url"
	"slices"
	"testing"

	"wxgate/proxy"
)

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
	req := s.backend.requests()[0]
	if prefix := req.headerValues("X-Forwarded-Prefix"); req.target() != "/x" || !slices.Equal(prefix, []string{"/shop"}) {
		t.Errorf("target %s, X-Forwarded-Prefix %q", req.target(), prefix)
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
