package main

import (
	"fmt"
	"net/netip"
	"strings"

	"wxgate/internal/config"
	"wxgate/internal/httprule"
	"wxgate/proxy"
	"wxgate/proxy/upstream"
	"wxgate/proxy/websession"
)

// proxyConfig returns the configuration of package proxy. group returns the upstream
// group of each route.
func proxyConfig(c *config.Config, group func(upstream.Config) (*upstream.Group, error)) (proxy.Config, error) {
	endpoints, err := endpointConfig(c)
	if err != nil {
		return proxy.Config{}, err
	}
	out := proxy.Config{
		Endpoints:      endpoints,
		Identity:       proxyIdentity(c),
		MaxHeader:      int(c.Limits.MaxHeader),
		LogAccess:      c.Log.Access,
		TrustedProxies: trustedPrefixes(c),

		PublicOrigins: origins(c.PublicOrigins),
		Web:           proxy.Web{Cookie: webCookie(c), MaxAge: c.Web.MaxAge.Std(), Origins: origins(c.Web.Origins)},
	}
	for i := range c.Routes {
		rt, err := proxyRoute(c, &c.Routes[i], group)
		if err != nil {
			return out, fmt.Errorf("routes[%d].upstreams: %w", i, err)
		}
		out.Routes = append(out.Routes, rt)
	}
	return out, nil
}

func proxyIdentity(c *config.Config) proxy.IdentityHeaders {
	h := c.Identity.Headers
	return proxy.IdentityHeaders{
		OpenID: h.OpenID, UnionID: h.UnionID, AppID: h.AppID, UserID: h.UserID, Roles: h.Roles, Phone: h.Phone,
		CloudRun: c.Identity.WXCloudRun, Assertion: c.Identity.Assertion.Header,
	}
}

// webCookie returns the cookie of web sessions. A config file accepts __Host- names
// only; the other one, of wxgate dev, works without TLS.
func webCookie(c *config.Config) websession.Cookie {
	return websession.Cookie{Name: c.Web.Cookie, Insecure: !strings.HasPrefix(c.Web.Cookie, "__Host-")}
}

func origins(list []config.Origin) []httprule.Origin {
	out := make([]httprule.Origin, len(list))
	for i, o := range list {
		out[i] = o.Origin
	}
	return out
}

func trustedPrefixes(c *config.Config) []netip.Prefix {
	prefixes := make([]netip.Prefix, len(c.TrustedProxies))
	for i, n := range c.TrustedProxies {
		prefixes[i] = n.Prefix
	}
	return prefixes
}
