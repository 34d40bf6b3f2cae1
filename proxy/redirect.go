package proxy

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"wxgate/internal/httprule"
)

// rewriteLocation brings a Location that points at the backend's own address
// back to the public one: path-only, with strip_prefix put back. Addresses of
// others pass as they are.
func (rc *requestContext) rewriteLocation(h http.Header) {
	if !rc.route.RewriteRedirects {
		return
	}
	for _, name := range []string{"Location", "Content-Location"} {
		if values := h[name]; len(values) == 1 {
			if public := rc.route.publicLocation(values[0], rc.r.Host); public != values[0] {
				h[name] = []string{public}
			}
		}
	}
}

// publicLocation is the address that a client can follow. A relative reference
// (RFC 3986, section 4.2) that begins with no slash is right as it is: the
// client resolves it against its own path.
func (rt *Route) publicLocation(location, requestHost string) string {
	u, err := url.Parse(location)
	if err != nil || u.Opaque != "" || u.User != nil {
		return location
	}
	switch {
	case u.Host != "":
		if !rt.isOwnAddress(u, requestHost) {
			return location
		}
	case u.Scheme != "" || !strings.HasPrefix(location, "/"):
		return location
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if !httprule.ValidPath(path) {
		return location
	}
	public := rt.publicPath(path)
	if u.RawQuery != "" || u.ForceQuery {
		public += "?" + u.RawQuery
	}
	if u.Fragment != "" {
		public += "#" + u.EscapedFragment()
	}
	return public
}

// isOwnAddress reports whether a URL points at one of the route's upstreams,
// or, where they are given the client's Host, at that.
func (rt *Route) isOwnAddress(u *url.URL, requestHost string) bool {
	if rt.PreserveHost && strings.EqualFold(u.Host, requestHost) {
		return true
	}
	return slices.ContainsFunc(rt.BackendURLs, func(backend *url.URL) bool { return sameServer(u, backend) })
}

// sameServer compares host and port. Without a port in either, the scheme makes
// no difference: a backend that believes itself behind TLS says https.
func sameServer(a, b *url.URL) bool {
	return strings.EqualFold(a.Hostname(), b.Hostname()) &&
		(a.Port() == b.Port() || effectivePort(a) == effectivePort(b))
}

func effectivePort(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// publicPath brings a path that a backend names to the one that clients use:
// add_prefix taken off, strip_prefix put back, unless the backend has put it
// there itself, as X-Forwarded-Prefix asks it to. A path outside of add_prefix
// is none that the route leads to, and stays.
func (rt *Route) publicPath(path string) string {
	if added := strings.TrimSuffix(rt.AddPrefix, "/"); added != "" {
		if !httprule.PathWithin(path, added) {
			return path
		}
		if path = path[len(added):]; path == "" {
			path = "/"
		}
	}
	stripped := strings.TrimSuffix(rt.StripPrefix, "/")
	if stripped == "" || httprule.PathWithin(path, stripped) {
		return path
	}
	return stripped + path
}

// rewriteCookiePaths does the same for the Path of a backend's cookies: a
// browser would not send them back where a prefix was taken off.
func (rc *requestContext) rewriteCookiePaths(h http.Header) {
	rt := rc.route
	if !rt.RewriteRedirects || rt.StripPrefix == "" && rt.AddPrefix == "" {
		return
	}
	lines := h["Set-Cookie"]
	if len(lines) == 0 {
		return
	}
	rewritten := make([]string, len(lines))
	for i, line := range lines {
		rewritten[i] = rt.publicCookie(line)
	}
	h["Set-Cookie"] = rewritten
}

func (rt *Route) publicCookie(line string) string {
	attributes := strings.Split(line, ";")
	for i, attribute := range attributes {
		name, path, _ := strings.Cut(attribute, "=")
		path = strings.Trim(path, " \t")
		if i == 0 || !strings.EqualFold(strings.Trim(name, " \t"), "Path") || !strings.HasPrefix(path, "/") {
			continue
		}
		public := rt.publicPath(path)
		if path == "/" && len(public) > 1 {
			public = strings.TrimSuffix(public, "/") // "/app" takes in "/app/x" too (RFC 6265, section 5.1.4)
		}
		attributes[i] = " Path=" + public
	}
	return strings.Join(attributes, ";")
}
