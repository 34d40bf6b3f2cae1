package websession

import (
	"net/http"
	"slices"
	"strings"
)

// IsNavigation reports whether the request is a navigation, whose response a browser
// shows, and not a request by a script. Browsers without Fetch Metadata are recognized by
// their Accept header.
func IsNavigation(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if modes := r.Header["Sec-Fetch-Mode"]; len(modes) > 0 {
		mode, ok := single(modes)
		return ok && mode == "navigate"
	}
	return acceptsHTML(r.Header["Accept"])
}

// IsPrefetch reports whether a browser prefetches or prerenders the page before a person
// opens it. A prefetch sends Sec-Fetch-Site: none, even from another site's page, so that
// only these headers tell it apart from a navigation.
func IsPrefetch(h http.Header) bool {
	for _, name := range [...]string{"Sec-Purpose", "Purpose", "X-Moz"} {
		if len(h[name]) > 0 {
			return true
		}
	}
	return false
}

// acceptsHTML reports whether an Accept line contains text/html.
func acceptsHTML(lines []string) bool {
	return slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(strings.ToLower(line), "text/html") })
}
