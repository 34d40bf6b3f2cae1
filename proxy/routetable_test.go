package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"wxgate/proxy"
)

// bestHost applies the rule to one route after another: an exact host wins over a
// wildcard, a longer wildcard over a shorter one, and a wildcard over no host.
func bestHost(routes []*proxy.Route, host string) (best *proxy.Route) {
	rank := func(pattern string) int {
		switch suffix, wildcard := strings.CutPrefix(pattern, "*"); {
		case pattern == "":
			return 1
		case pattern == host:
			return 1000
		case wildcard && len(host) > len(suffix) && strings.HasSuffix(host, suffix):
			return 1 + len(suffix)
		}
		return 0
	}
	for _, rt := range routes {
		if r := rank(rt.Host); r > 0 && (best == nil || r > rank(best.Host)) {
			best = rt
		}
	}
	return best
}

func FuzzBestHostWins(f *testing.F) {
	f.Add("a.example.com *.example.com *.com", "a.example.com")
	f.Add("a.example.com *.example.com", "b.example.com")
	f.Add("*.example.com *.b.example.com", "a.b.example.com")
	f.Add("*.example.com *.com", "example.com")
	f.Add("*.example.com", ".example.com")
	f.Fuzz(func(t *testing.T, hosts, host string) {
		var routes []*proxy.Route
		for _, h := range append(strings.Fields(hosts), "") {
			if h == "*" || strings.Contains(strings.TrimPrefix(h, "*."), "*") {
				return // not a valid host in the configuration
			}
			routes = append(routes, &proxy.Route{Host: h, Path: "/"})
		}
		got := proxy.NewRouteTable(routes).Match(host, "/x", func(*proxy.Route) bool { return true }).Route
		if want := bestHost(routes, host); got != want {
			t.Errorf("%q with hosts %q matched %+v, not %+v", host, hosts, got, want)
		}
	})
}

// BenchmarkMatch should take as long with ten thousand routes as with one.
func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{1, 10_000} {
		hosts, paths := make([]*proxy.Route, n), make([]*proxy.Route, n)
		for i := range n {
			hosts[i] = &proxy.Route{Host: fmt.Sprintf("h%d.example.com", i), Path: "/api/"}
			paths[i] = &proxy.Route{Path: fmt.Sprintf("/api/p%d/", i)}
		}
		last := n - 1
		for name, c := range map[string]struct {
			routes     []*proxy.Route
			host, path string
		}{
			"hosts":     {hosts, fmt.Sprintf("h%d.example.com", last), "/api/x"},
			"wildcards": {append([]*proxy.Route{{Host: "*.example.com", Path: "/api/"}}, hosts...), "a.b.example.com", "/api/x"},
			"paths":     {paths, "any.example.com", fmt.Sprintf("/api/p%d/items/1", last)},
		} {
			t := proxy.NewRouteTable(c.routes)
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if m := t.Match(c.host, c.path, acceptsGet); m.Route == nil {
						b.Fatal("no route")
					}
				}
			})
		}
	}
}

func acceptsGet(rt *proxy.Route) bool { return rt.AcceptsMethod(http.MethodGet) }

func TestLongestPathWinsThenHost(t *testing.T) {
	t.Parallel()
	table := proxy.NewRouteTable([]*proxy.Route{
		{Name: "root", Path: "/"},
		{Name: "api", Path: "/api/"},
		{Name: "api-a", Path: "/api/", Host: "a.test"},
		{Name: "api-wild", Path: "/api/", Host: "*.test"},
		{Name: "deep", Path: "/api/v1/admin", Methods: []string{"GET"}},
		{Name: "deep-post", Path: "/api/v1/admin/", Methods: []string{"POST"}},
	})
	for _, c := range []struct{ host, path, method, want string }{
		{"x", "/", "GET", "root"},
		{"x", "/apiary", "GET", "root"},
		{"x", "/api", "GET", "api"},
		{"x", "/api/", "GET", "api"},
		{"x", "/api/v1/administrator", "GET", "api"},
		{"a.test", "/api/x", "GET", "api-a"},
		{"b.test", "/api/x", "GET", "api-wild"},
		{"test", "/api/x", "GET", "api"},
		{"a.test", "/api/v1/admin/x/y/z", "GET", "deep"},
		{"a.test", "/api/v1/admin", "HEAD", "deep"},
		{"a.test", "/api/v1/admin", "POST", "deep-post"},
		{"a.test", "/api/v1/admin", "DELETE", ""},
	} {
		m := table.Match(c.host, c.path, func(rt *proxy.Route) bool { return rt.AcceptsMethod(c.method) })
		got := ""
		if m.Route != nil {
			got = m.Route.Name
		}
		if got != c.want || (c.want == "") != (m.Allowed != "") {
			t.Errorf("%s %s%s: %q (allowed %q), want %q", c.method, c.host, c.path, got, m.Allowed, c.want)
		}
	}
}
