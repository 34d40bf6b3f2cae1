package proxy

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"wxgate/proxy/upstream"
)

// storeCookies removes Set-Cookie from the backend's response and stores the cookies in
// the session's jar, by the route's cookie mode. If the store can't be reached, the
// cookies are lost but the response is sent.
func (g *Gateway) storeCookies(ctx context.Context, rs *requestState, res *upstream.Response) {
	if rs.route.Cookies == CookiesPass {
		rs.stripSetWebCookie(&res.Header)
		return
	}
	lines := res.Header.Values("Set-Cookie")
	res.Header.Delete("Set-Cookie")
	s := rs.session()
	if rs.route.Cookies != CookiesJar || s == nil || len(lines) == 0 {
		return
	}
	now := g.Now()
	cookies := g.acceptCookies(rs, lines, now)
	if len(cookies) == 0 {
		return
	}
	err := g.Sessions.UpdateJar(ctx, s, rs.route.CookieJarID, func(stored []byte) ([]byte, error) {
		return json.Marshal(addCookies(readJar(stored), cookies, now))
	})
	if err != nil {
		g.Log.Warn("could not store the cookies of a backend", zap.String("route", rs.route.Name), zap.Error(err))
	}
}

// acceptCookies parses the Set-Cookie lines of a backend, and logs those that it rejects.
func (g *Gateway) acceptCookies(rs *requestState, lines []string, now time.Time) []storedCookie {
	hosts := []string{rs.host, rs.route.BackendHost()}
	path := rs.backendPath()
	var cookies []storedCookie
	for _, line := range lines {
		c, ok := parseSetCookie(line, now)
		switch {
		case !ok:
			g.rejectedCookies.report(g.Log, rs.route.Name, line, "it has no name, or control characters")
		case len(c.name)+len(c.value)+len(c.path) > maxCookieBytes:
			g.rejectedCookies.report(g.Log, rs.route.Name, line, "it is too large")
		case !domainMatches(c.domain, hosts):
			g.rejectedCookies.report(g.Log, rs.route.Name, line, "its Domain does not match the host")
		default:
			if c.path == "" {
				c.path = defaultPath(path)
			}
			cookies = append(cookies, storedCookie{octets(c.name), octets(c.value), octets(c.path), c.expires})
		}
	}
	return cookies
}

// domainMatches reports whether one of the hosts is in the cookie's domain. An empty
// domain matches. A domain of one label matches only the host of that name, never a
// top-level domain.
func domainMatches(domain string, hosts []string) bool {
	return domain == "" || slices.ContainsFunc(hosts, func(host string) bool {
		return host == domain || strings.Contains(domain, ".") && strings.HasSuffix(host, "."+domain)
	})
}
