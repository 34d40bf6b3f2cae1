package proxy

import (
	"net/url"
	"strings"

	"wxgate/internal/httprule"
)

// backendURL is the path and query for the backend: strip_prefix and add_prefix applied,
// everything else as received.
func (rt *Route) backendURL(in *url.URL) url.URL {
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

// stripPrefix removes a prefix that ends at a segment boundary from both forms of a
// path. raw is path with its escapes; both are cut at the same byte of the decoded form.
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

// strippedPrefix is the prefix that strip_prefix removes from a path, without a slash at
// its end; "" if it removes nothing.
func (rt *Route) strippedPrefix(path string) string {
	prefix := strings.TrimSuffix(rt.StripPrefix, "/")
	if prefix == "" || !httprule.PathWithin(path, prefix) {
		return ""
	}
	return prefix
}
