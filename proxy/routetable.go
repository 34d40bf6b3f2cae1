package proxy

import "strings"

// RouteTable finds the route of a request. The longest matching path wins; for one path, an
// exact host before the longest wildcard host before no host.
type RouteTable struct {
	byPath map[string]*hostRoutes // key: the path without its last slash
	depth  int                    // the largest number of slashes in a key: a path with more is cut before the look-up
}

// NewRouteTable returns the table of the routes. Package config rejects two routes that match
// the same requests; here the first of them wins.
func NewRouteTable(routes []*Route) *RouteTable {
	t := &RouteTable{byPath: map[string]*hostRoutes{}}
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

// hostRoutes are the routes of one path, by host. A look-up takes at most one step for
// each label of the request's host, however many routes there are.
type hostRoutes struct {
	exact    map[string][]*Route
	wildcard map[string][]*Route // key: ".example.com" for "*.example.com"
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

// find returns the routes of the best matching host: the exact one, else the longest
// wildcard, else the routes without a host. They differ by method only.
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

// Match is the result of a look-up. If a route has the path but not the method, Route
// is nil and Allowed is the value of the Allow header; if no route matches, both are
// empty.
type Match struct {
	Route   *Route
	Allowed string
}

// Match finds the route for a host (lower case, no port) and a decoded path that is
// valid by httprule. accepts reports whether a route serves the request's method.
func (t *RouteTable) Match(host, path string, accepts func(*Route) bool) Match {
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

// ambiguousRoute reports whether the path would match another route if it ended at its
// first ";", "?" or "#". Tomcat ends a path at ";", other servers at an escaped "?" or
// "#": a client could reach a path that its route does not protect.
func (t *RouteTable) ambiguousRoute(host, path string) bool {
	end := strings.IndexAny(path, ";?#")
	if end < 0 {
		return false
	}
	return t.Match(host, path, anyMethod).Route != t.Match(host, path[:end], anyMethod).Route
}

func anyMethod(*Route) bool { return true }

// longestKey cuts a path to the depth of the deepest route, so that a path of a thousand
// segments does not take a thousand look-ups.
func (t *RouteTable) longestKey(path string) string {
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

// match finds the route of one path; h is nil if no route has that path.
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
