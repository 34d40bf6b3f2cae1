package proxy

import (
	"net/http"
	"strings"
)

// rewriteCookiePaths rewrites the Path of the backend's cookies to the public path:
// otherwise a browser would not send them if strip_prefix or add_prefix is set.
func (rs *requestState) rewriteCookiePaths(h http.Header) {
	rt := rs.route
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

// publicCookie returns the Set-Cookie line with its Path rewritten.
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
			public = strings.TrimSuffix(public, "/") // "/app" matches "/app/x" too (RFC 6265, section 5.1.4)
		}
		attributes[i] = " Path=" + public
	}
	return strings.Join(attributes, ";")
}
