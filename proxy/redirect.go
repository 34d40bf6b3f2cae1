package proxy

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"wxgate/internal/httprule"
)

// rewriteLocation rewrites a Location or Content-Location that points at the backend to
// the public path: without scheme and host, with strip_prefix added again. Locations on
// other hosts are unchanged.
func (rs *requestState) rewriteLocation(h http.Header) {
	if !rs.route.RewriteRedirects {
		return
	}
	for _, name := range []string{"Location", "Content-Location"} {
		if values := h[name]; len(values) == 1 {
			if public := rs.route.publicLocation(values[0], rs.r.Host); public != values[0] {
				h[name] = []string{public}
			}
		}
	}
}

// publicLocation is the rewritten Location. A relative reference without a leading slash
// (RFC 3986, section 4.2) is unchanged: the client resolves it against the public path.
func (rt *Route) publicLocation(location, requestHost string) string {
	u, err := url.Parse(location)
	if err != nil || u.Opaque != "" || u.User != nil {
		return location
	}
	switch {
	case u.Host != "":
		if !rt.pointsAtBackend(u, requestHost) {
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

// pointsAtBackend reports whether a URL points at one of the route's upstreams, or with
// preserve_host at the host of the request.
func (rt *Route) pointsAtBackend(u *url.URL, requestHost string) bool {
	if rt.PreserveHost && strings.EqualFold(u.Host, requestHost) {
		return true
	}
	return slices.ContainsFunc(rt.BackendURLs, func(backend *url.URL) bool { return sameServer(u, backend) })
}

// sameServer compares host and port. If neither URL has a port, the scheme is ignored:
// a backend that is configured for TLS in front of it writes https.
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

// publicPath maps a path of the backend to the public path: add_prefix is removed and
// strip_prefix is added, unless the backend has added it already because of
// X-Forwarded-Prefix. A path outside add_prefix can't be reached through the route, and is
// unchanged.
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
