package proxy

import (
	"slices"
	"strings"
)

// Table finds the route of a request: the longest matching path wins, then a
// route with a host before one without, an exact host before a wildcard.
type Table struct {
	byPath map[string][]*Route // key: the path without its last slash
	depth  int                 // the most slashes in a key: what is longer can't match
}

// NewTable compiles the routes. Routes that can't be told apart are the
// config's error to find; here the first one given wins.
func NewTable(routes []*Route) *Table {
	t := &Table{byPath: map[string][]*Route{}}
	for _, rt := range routes {
		key := strings.TrimSuffix(rt.Path, "/")
		rt.allow = allowHeader(rt)
		t.byPath[key] = append(t.byPath[key], rt)
		t.depth = max(t.depth, strings.Count(key, "/"))
	}
	for _, group := range t.byPath {
		slices.SortStableFunc(group, func(a, b *Route) int { return hostRank(b.Host) - hostRank(a.Host) })
	}
	return t
}

func allowHeader(rt *Route) string {
	return strings.Join(rt.methods(), ", ")
}

// hostRank puts exact hosts first, then wildcards by length, then none.
func hostRank(host string) int {
	switch {
	case host == "":
		return 0
	case strings.HasPrefix(host, "*."):
		return len(host)
	}
	return 1 << 16
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
		if m, ok := pick(t.byPath[key], host, accepts); ok {
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

// pick chooses among the routes of one path. The best host decides; its routes
// then differ by method only.
func pick(group []*Route, host string, accepts func(*Route) bool) (Match, bool) {
	var allowed []string
	best := -1
	for _, rt := range group {
		if !hostMatches(rt.Host, host) {
			continue
		}
		rank := hostRank(rt.Host)
		if best >= 0 && rank < best {
			break
		}
		if best = rank; accepts(rt) {
			return Match{Route: rt}, true
		}
		allowed = append(allowed, rt.allow)
	}
	return Match{Allowed: strings.Join(allowed, ", ")}, best >= 0
}

func hostMatches(pattern, host string) bool {
	if pattern == "" || pattern == host {
		return true
	}
	suffix, ok := strings.CutPrefix(pattern, "*")
	return ok && len(host) > len(suffix) && strings.HasSuffix(host, suffix)
}
