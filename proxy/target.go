package proxy

import (
	"net/url"
	"strings"

	"wxgate/internal/httprule"
)

// target is the URL's path and query for the backend: prefixes changed, all
// else as it was sent.
func (rt *Route) target(in *url.URL) url.URL {
	out := url.URL{Path: in.Path, RawPath: in.EscapedPath(), RawQuery: in.RawQuery, ForceQuery: in.ForceQuery}
	if rt.StripPrefix != "" {
		out.Path, out.RawPath = stripPrefix(out.Path, out.RawPath, rt.StripPrefix)
	}
	if rt.AddPrefix != "" {
		prefix := strings.TrimSuffix(rt.AddPrefix, "/")
		out.Path, out.RawPath = prefix+out.Path, prefix+out.RawPath
	}
	return out
}

// stripPrefix takes a prefix off both forms of a path, at a segment's end
// only. raw is path with escapes; both are cut at the same byte of the decoded form.
func stripPrefix(path, raw, prefix string) (string, string) {
	prefix = strings.TrimSuffix(prefix, "/")
	if !httprule.PathWithin(path, prefix) {
		return path, raw
	}
	cut := 0
	for range len(prefix) {
		if raw[cut] == '%' {
			cut += 2
		}
		cut++
	}
	if len(path) == len(prefix) {
		return "/", "/"
	}
	return path[len(prefix):], raw[cut:]
}

// stripped is the prefix that strip_prefix takes off a path, without a slash
// at its end; "" where it takes off nothing.
func (rt *Route) stripped(path string) string {
	prefix := strings.TrimSuffix(rt.StripPrefix, "/")
	if prefix == "" || !httprule.PathWithin(path, prefix) {
		return ""
	}
	return prefix
}
