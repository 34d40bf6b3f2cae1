package proxy

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

// Limits of one backend's cookies in one session. RFC 6265, section 6.1 asks
// for 50 cookies of 4096 bytes; the sum is bounded since it lies in Redis.
const (
	maxCookies     = 50
	maxCookieBytes = 4096
	maxJarBytes    = 32 << 10
)

// kept is a cookie as it lies in the jar. Domain is gone: a jar belongs to one
// backend, and what it set goes back to it alone.
type kept struct {
	Name    string    `json:"n"`
	Value   string    `json:"v"`
	Path    string    `json:"p"`
	Expires time.Time `json:"e,omitzero"` // zero: with the session
	Quoted  bool      `json:"q,omitempty"`
}

// setCookies puts the jar's cookies in place of the client's.
func (st *state) setCookies(ctx context.Context, h http.Header, x *exchange) error {
	switch x.route.Cookies {
	case CookiesPass:
		return nil
	case CookiesDrop:
		delete(h, "Cookie")
		return nil
	}
	delete(h, "Cookie")
	s := x.session()
	if s == nil {
		return nil
	}
	stored, err := st.sessions.Jar(ctx, s, x.route.Backend)
	if err != nil {
		return err
	}
	if line := cookieLine(openJar(stored), x.route.target(x.r.URL).Path); line != "" {
		h["Cookie"] = []string{line}
	}
	return nil
}

// keepCookies takes the backend's cookies out of its answer and, with a jar,
// keeps them. A store that can't be reached loses them, not the answer.
func (st *state) keepCookies(ctx context.Context, x *exchange, res *http.Response) {
	if x.route.Cookies == CookiesPass {
		return
	}
	set := res.Cookies()
	delete(res.Header, "Set-Cookie")
	s := x.session()
	if x.route.Cookies != CookiesJar || s == nil || len(set) == 0 {
		return
	}
	path := x.route.target(x.r.URL).Path
	err := st.sessions.UpdateJar(ctx, s, x.route.Backend, func(stored []byte) ([]byte, error) {
		return json.Marshal(addCookies(openJar(stored), set, path, []string{x.host, x.route.BackendHost}, st.now()))
	})
	if err != nil {
		st.log.Warn("a backend's cookies could not be kept", zap.String("route", x.route.Name), zap.Error(err))
	}
}

// openJar reads a jar; one that can't be read is an empty one.
func openJar(stored []byte) []kept {
	var jar []kept
	if len(stored) == 0 || json.Unmarshal(stored, &jar) != nil {
		return nil
	}
	return jar
}

// cookieLine is the Cookie header for a path. Which cookies it takes, and in
// which order, is net/http/cookiejar's to say.
func cookieLine(jar []kept, path string) string {
	if len(jar) == 0 {
		return ""
	}
	matcher, err := cookiejar.New(nil)
	if err != nil {
		return ""
	}
	backend := &url.URL{Scheme: "https", Host: "backend.invalid", Path: path}
	for _, k := range jar {
		matcher.SetCookies(backend, []*http.Cookie{{Name: k.Name, Value: k.Value, Path: k.Path, Expires: k.Expires, Quoted: k.Quoted}})
	}
	var line strings.Builder
	for i, c := range matcher.Cookies(backend) {
		if i > 0 {
			line.WriteString("; ")
		}
		line.WriteString(c.String())
	}
	return line.String()
}

// addCookies puts new cookies into the jar: in place of those with the same
// name and path, out where they have expired, and the oldest give way where
// the limits are reached.
func addCookies(jar []kept, set []*http.Cookie, path string, hosts []string, now time.Time) []kept {
	for _, c := range set {
		if len(c.Name)+len(c.Value)+len(c.Path) > maxCookieBytes || !domainFits(c.Domain, hosts) {
			continue
		}
		k := keep(c, path, now)
		jar = slices.DeleteFunc(jar, func(old kept) bool { return old.Name == k.Name && old.Path == k.Path })
		if k.Expires.IsZero() || k.Expires.After(now) {
			jar = append(jar, k)
		}
	}
	jar = slices.DeleteFunc(jar, func(old kept) bool { return !old.Expires.IsZero() && !old.Expires.After(now) })
	return shrink(jar)
}

func shrink(jar []kept) []kept {
	size := 0
	for i, k := range slices.Backward(jar) {
		size += len(k.Name) + len(k.Value) + len(k.Path)
		if len(jar)-i > maxCookies || size > maxJarBytes {
			return slices.Clone(jar[i+1:])
		}
	}
	return jar
}

// keep resolves what a cookie leaves open (RFC 6265, sections 5.1.4, 5.3).
func keep(c *http.Cookie, requestPath string, now time.Time) kept {
	k := kept{Name: c.Name, Value: c.Value, Path: c.Path, Expires: c.Expires, Quoted: c.Quoted}
	switch {
	case c.MaxAge < 0:
		k.Expires = now
	case c.MaxAge > 0:
		k.Expires = now.Add(time.Duration(c.MaxAge) * time.Second)
	}
	if !strings.HasPrefix(k.Path, "/") {
		k.Path = defaultPath(requestPath)
	}
	return k
}

func defaultPath(requestPath string) string {
	if last := strings.LastIndexByte(requestPath, '/'); last > 0 {
		return requestPath[:last]
	}
	return "/"
}

// domainFits reports whether one of the names that the backend is known by
// lies in the cookie's domain. None given fits.
func domainFits(domain string, hosts []string) bool {
	domain = strings.ToLower(strings.TrimPrefix(domain, "."))
	if domain == "" {
		return true
	}
	return strings.Contains(domain, ".") && slices.ContainsFunc(hosts, func(host string) bool {
		return host == domain || strings.HasSuffix(host, "."+domain)
	})
}
