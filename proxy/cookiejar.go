package proxy

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"wxgate/internal/fieldlist"
	"wxgate/proxy/upstream"
)

// Limits of one backend's cookies in one session. RFC 6265, section 6.1 asks
// for 50 cookies of 4096 bytes; the sum is bounded since it lies in Redis.
const (
	maxCookies     = 50
	maxCookieBytes = 4096
	maxJarBytes    = 32 << 10
)

// storedCookie is a cookie as it lies in the jar. Domain is gone: a jar belongs
// to one backend, and what it set goes back to it alone.
type storedCookie struct {
	Name    octets    `json:"n"`
	Value   octets    `json:"v"`
	Path    octets    `json:"p"`
	Expires time.Time `json:"e,omitzero"` // zero: with the session
}

// octets is text that may be no UTF-8; JSON would change it.
type octets string

func (o octets) MarshalText() ([]byte, error) {
	return base64.StdEncoding.AppendEncode(nil, []byte(o)), nil
}

func (o *octets) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.AppendDecode(nil, text)
	*o = octets(raw)
	return err
}

// setCookies puts the jar's cookies in place of the client's.
func (g *Gateway) setCookies(ctx context.Context, h *outHeader, rc *requestContext) error {
	switch rc.route.Cookies {
	case CookiesPass:
		rc.stripWebCookie(h)
		return nil
	case CookiesDrop:
		h.Delete("Cookie")
		return nil
	}
	h.Delete("Cookie")
	s := rc.session()
	if s == nil {
		return nil
	}
	stored, err := g.Sessions.Jar(ctx, s, rc.route.Backend)
	if err != nil {
		return err
	}
	if line := cookieLine(readJar(stored), rc.targetPath(), g.Now()); line != "" {
		h.Set("Cookie", line)
	}
	return nil
}

// targetPath is the path that the backend is asked for.
func (rc *requestContext) targetPath() string {
	target := rc.route.target(rc.r.URL)
	return target.EscapedPath()
}

// storeCookies takes the backend's cookies out of its answer and, with a jar,
// keeps them. A store that can't be reached loses them, not the answer.
func (g *Gateway) storeCookies(ctx context.Context, rc *requestContext, res *upstream.Response) {
	if rc.route.Cookies == CookiesPass {
		rc.dropWebCookie(&res.Header)
		return
	}
	lines := res.Header.Values("Set-Cookie")
	res.Header.Delete("Set-Cookie")
	s := rc.session()
	if rc.route.Cookies != CookiesJar || s == nil || len(lines) == 0 {
		return
	}
	now := g.Now()
	cookies := g.acceptCookies(rc, lines, now)
	if len(cookies) == 0 {
		return
	}
	err := g.Sessions.UpdateJar(ctx, s, rc.route.Backend, func(stored []byte) ([]byte, error) {
		return json.Marshal(addCookies(readJar(stored), cookies, now))
	})
	if err != nil {
		g.Log.Warn("a backend's cookies could not be kept", zap.String("route", rc.route.Name), zap.Error(err))
	}
}

// stripWebCookie keeps the cookie of web pages from backends.
func (rc *requestContext) stripWebCookie(h *outHeader) {
	if !rc.config.Web.on() || !h.Has("Cookie") {
		return
	}
	left := rc.config.Web.Cookie.Strip(h.Values("Cookie"))
	h.Delete("Cookie")
	h.put("Cookie", left)
}

// dropWebCookie keeps backends from setting it.
func (rc *requestContext) dropWebCookie(h *fieldlist.List) {
	if !rc.config.Web.on() {
		return
	}
	*h = slices.DeleteFunc(*h, func(f fieldlist.Field) bool {
		return fieldlist.SameName(f.Name, "Set-Cookie") && rc.config.Web.Cookie.SetBy(f.Value)
	})
}

// acceptCookies reads a backend's cookies, and says once of each that it
// refuses why.
func (g *Gateway) acceptCookies(rc *requestContext, lines []string, now time.Time) []storedCookie {
	hosts := []string{rc.host, rc.route.BackendHost()}
	path := rc.targetPath()
	var cookies []storedCookie
	for _, line := range lines {
		c, ok := parseSetCookie(line, now)
		switch {
		case !ok:
			g.refusedCookies.report(g.Log, rc.route.Name, line, "it has no name, or control characters")
		case len(c.name)+len(c.value)+len(c.path) > maxCookieBytes:
			g.refusedCookies.report(g.Log, rc.route.Name, line, "it is too large")
		case !domainFits(c.domain, hosts):
			g.refusedCookies.report(g.Log, rc.route.Name, line, "its Domain is another host's")
		default:
			if c.path == "" {
				c.path = defaultPath(path)
			}
			cookies = append(cookies, storedCookie{octets(c.name), octets(c.value), octets(c.path), c.expires})
		}
	}
	return cookies
}

// readJar reads a jar; one that can't be read is an empty one.
func readJar(stored []byte) []storedCookie {
	var jar []storedCookie
	if len(stored) == 0 || json.Unmarshal(stored, &jar) != nil {
		return nil
	}
	return jar
}

// cookieLine is the Cookie header for a path: longer paths first, then what was
// set first (RFC 6265, section 5.4).
func cookieLine(jar []storedCookie, path string, now time.Time) string {
	matching := slices.DeleteFunc(slices.Clone(jar), func(c storedCookie) bool {
		return c.expired(now) || !pathMatches(path, string(c.Path))
	})
	slices.SortStableFunc(matching, func(a, b storedCookie) int { return len(b.Path) - len(a.Path) })
	var line strings.Builder
	for i, c := range matching {
		if i > 0 {
			line.WriteString("; ")
		}
		line.WriteString(string(c.Name) + "=" + string(c.Value))
	}
	return line.String()
}

func (c storedCookie) expired(now time.Time) bool {
	return !c.Expires.IsZero() && !c.Expires.After(now)
}

// pathMatches is RFC 6265, section 5.1.4.
func pathMatches(path, cookiePath string) bool {
	rest, ok := strings.CutPrefix(path, cookiePath)
	return ok && (rest == "" || strings.HasSuffix(cookiePath, "/") || rest[0] == '/')
}

// addCookies puts new cookies into the jar: in the place of those with the same
// name and path, out where they have expired, and the oldest give way where
// the limits are reached.
func addCookies(jar, set []storedCookie, now time.Time) []storedCookie {
	for _, c := range set {
		at := slices.IndexFunc(jar, func(old storedCookie) bool { return old.Name == c.Name && old.Path == c.Path })
		if at < 0 {
			jar = append(jar, c)
		} else {
			jar[at] = c
		}
	}
	return shrinkJar(slices.DeleteFunc(jar, func(c storedCookie) bool { return c.expired(now) }))
}

func shrinkJar(jar []storedCookie) []storedCookie {
	size := 0
	for i, c := range slices.Backward(jar) {
		size += len(c.Name) + len(c.Value) + len(c.Path)
		if len(jar)-i > maxCookies || size > maxJarBytes {
			return slices.Clone(jar[i+1:])
		}
	}
	return jar
}

// defaultPath is RFC 6265, section 5.1.4.
func defaultPath(requestPath string) string {
	if last := strings.LastIndexByte(requestPath, '/'); last > 0 {
		return requestPath[:last]
	}
	return "/"
}

// domainFits reports whether one of the names that the backend is known by
// lies in the cookie's domain. None given fits; a domain of one label is a
// host, never a whole top-level domain.
func domainFits(domain string, hosts []string) bool {
	return domain == "" || slices.ContainsFunc(hosts, func(host string) bool {
		return host == domain || strings.Contains(domain, ".") && strings.HasSuffix(host, "."+domain)
	})
}
