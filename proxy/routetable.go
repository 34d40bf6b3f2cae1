package proxy

import (
	"strings"
)

// Table finds the route of a request: the longest matching path wins, then a
// route with a host before one without, an exact host before a wildcard.
type Table struct {
	byPath map[string]*hostRoutes // key: the path without its last slash
	depth  int                    // the most slashes in a key: what is longer can't match
}

// NewTable compiles the routes. Routes that can't be told apart are the
// config's error to find; here the first one given wins.
func NewTable(routes []*Route) *Table {
	t := &Table{byPath: map[string]*hostRoutes{}}
	for _, rt := range routes {
		key := strings.TrimSuffix(rt.Path, "/")
		rt.allow = allowHeader(rt)
		if t.byPath[key] == nil {
			t.byPath[key] = &hostRoutes{exact: map[string][]*Route{}, wildcard: map[string][]*Route{}}
		}
		t.byPath[key].add(rt)
		t.depth = max(t.depth, strings.Count(key, "/"))
	}
	return t
}

func allowHeader(rt *Route) string {
	return strings.Join(rt.methods(), ", ")
}

// hostRoutes are the routes of one path, by host: however many there are, a
// look-up takes one step for each label of the request's host at most.
type hostRoutes struct {
	exact    map[string][]*Route
	wildcard map[string][]*Route // key: ".example.com" of "*.example.com"
	any      []*Route
}

func (h *hostRoutes) add(rt *Route) {
	suffix, wildcard := strings.CutPrefix(rt.Host, "*")
	switch {
	case rt.Host == "":
		h.any = append(h.any, rt)
	case wildcard:
		h.wildcard[suffix] = append(h.wildcard[suffix], rt)
	default:
		h.exact[rt.Host] = append(h.exact[rt.Host], rt)
	}
}

// find gives the routes of the best host: the exact one, then the longest
// wildcard, then none. They differ by method only.
func (h *hostRoutes) find(host string) []*Route {
	if routes := h.exact[host]; routes != nil {
		return routes
	}
	for i := 1; i < len(host) && len(h.wildcard) > 0; i++ {
		if host[i] != '.' {
			continue
		}
		if routes := h.wildcard[host[i:]]; routes != nil {
			return routes
		}
	}
	return h.any
}

// Match is what a look-up found: Route, or, where the path is known but not
// with this method, the methods that are Allowed.
type Match struct {
	Route   *Route
	Allowed string
}

// Match finds the route for a host (lower case, no port), a decoded path that
// the path rule let pass, and the method that accepts says a route takes.
func (t *Table) Match(host, path string, accepts func(*Route) bool) Match {
	key := t.longestKey(strings.TrimSuffix(path, "/"))
	for {
		if m, ok := t.byPath[key].match(host, accepts); ok {
			return m
		}
		if key == "" {
			return Match{}
		}
		key = key[:strings.LastIndexByte(key, '/')]
	}
}

// ambiguousRoute reports whether a path would have another route for a backend that
// ends it at ";", as Tomcat does, or at an escaped "?" or "#".
func (t *Table) ambiguousRoute(host, path string) bool {
	end := strings.IndexAny(path, ";?#")
	if end < 0 {
		return false
	}
	return t.Match(host, path, anyMethod).Route != t.Match(host, path[:end], anyMethod).Route
}

func anyMethod(*Route) bool { return true }

// longestKey cuts off the segments below the deepest route, so that a client's
// path of a thousand segments costs no thousand look-ups.
func (t *Table) longestKey(path string) string {
	slashes := 0
	for i := range len(path) {
		if path[i] != '/' {
			continue
		}
		if slashes++; slashes > t.depth {
			return path[:i]
		}
	}
	return path
}

// match chooses among the routes of one path, which may have none.
func (h *hostRoutes) match(host string, accepts func(*Route) bool) (Match, bool) {
	if h == nil {
		return Match{}, false
	}
	routes := h.find(host)
	for _, rt := range routes {
		if accepts(rt) {
			return Match{Route: rt}, true
		}
	}
	var allowed []string
	for _, rt := range routes {
		allowed = append(allowed, rt.allow)
	}
	return Match{Allowed: strings.Join(allowed, ", ")}, len(routes) > 0
}
