package main

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"wxgate/internal/config"
	"wxgate/proxy"
	"wxgate/proxy/upstream"
)

// The table of check must agree with the proxy: the first row that matches a request is
// the route that the proxy selects.
func TestRoutesArePrintedInMatchOrder(t *testing.T) {
	t.Parallel()
	c, err := parse(t, withRequiredKeys(`routes:
  - {path: /, name: all, upstreams: ["http://b"]}
  - {path: /, host: shop.example.com, name: shop, upstreams: ["http://b"]}
  - {path: /api/, name: api, methods: [POST], upstreams: ["http://b"]}
  - {path: /api, name: api-get, methods: [GET], upstreams: ["http://b"]}
  - {path: /api/, host: "*.example.com", name: wild-api, upstreams: ["http://b"]}
  - {path: /api/, host: "*.cn.example.com", name: long-wild-api, upstreams: ["http://b"]}
  - {path: /api/, host: a.cn.example.com, name: exact-api, upstreams: ["http://b"]}
  - {path: /api/orders/, name: orders, upstreams: ["http://b"]}
`))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := proxyConfig(c, func(upstream.Config) (*upstream.Group, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	sorted := config.MatchOrder(c.Routes)
	for _, seed := range []uint64{1, 2, 3} { // the file's order must not matter
		random := rand.New(rand.NewPCG(seed, seed))
		random.Shuffle(len(rules.Routes), func(i, j int) { rules.Routes[i], rules.Routes[j] = rules.Routes[j], rules.Routes[i] })
		table := proxy.NewRouteTable(rules.Routes)
		for _, host := range []string{"x", "shop.example.com", "a.cn.example.com", "b.cn.example.com", "b.example.com"} {
			for _, path := range []string{"/", "/other", "/api", "/api/x", "/api/orders/1"} {
				match := table.Match(host, path, func(r *proxy.Route) bool { return r.AcceptsMethod(http.MethodGet) })
				if want := firstMatch(sorted, host, path, http.MethodGet); match.Route == nil || match.Route.Name != want {
					t.Errorf("%s%s: the table says %s, the proxy selects %+v", host, path, want, match.Route)
				}
			}
		}
	}
}

func firstMatch(sorted []config.Route, host, path, method string) string {
	for _, r := range sorted {
		hostMatches := r.Host == "" || r.Host == host || strings.HasPrefix(r.Host, "*.") && strings.HasSuffix(host, r.Host[1:])
		pathMatches := strings.HasPrefix(path+"/", strings.TrimSuffix(r.Path, "/")+"/")
		if hostMatches && pathMatches && (len(r.Methods) == 0 || slices.Contains(r.Methods, method)) {
			return r.Name
		}
	}
	return ""
}
