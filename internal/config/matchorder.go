package config

import (
	"cmp"
	"slices"
	"strings"
)

// MatchOrder sorts routes by precedence, as proxy.RouteTable does: the longest path
// first; for the same path an exact host, then wildcards (the longest first), then
// any host. Methods decide between routes of the same path and host.
func MatchOrder(routes []Route) []Route {
	sorted := slices.Clone(routes)
	slices.SortStableFunc(sorted, func(a, b Route) int {
		pathA, pathB := strings.TrimSuffix(a.Path, "/"), strings.TrimSuffix(b.Path, "/")
		return cmp.Or(
			cmp.Compare(len(pathB), len(pathA)),
			cmp.Compare(pathA, pathB),
			cmp.Compare(hostRank(a.Host), hostRank(b.Host)),
			cmp.Compare(len(b.Host), len(a.Host)),
			cmp.Compare(a.Host, b.Host),
		)
	})
	return sorted
}

func hostRank(host string) int {
	switch {
	case host == "":
		return 2
	case strings.HasPrefix(host, "*."):
		return 1
	}
	return 0
}
