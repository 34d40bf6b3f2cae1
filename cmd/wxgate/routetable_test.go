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

// The table that check prints and the proxy's own must agree: for any request,
// the first row that fits is the route that takes it.
func TestRoutesArePrintedInTheOrderInWhichTheyWin(t *testing.T) {
	t.Parallel()
	c, err := parse(t, around(`routes:
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
		table := proxy.NewTable(rules.Routes)
		for _, host := range []string{"x", "shop.example.com", "a.cn.example.com", "b.cn.example.com", "b.example.com"} {
			for _, path := range []string{"/", "/other", "/api", "/api/x", "/api/orders/1"} {
				won := table.Match(host, path, func(r *proxy.Route) bool { return r.AcceptsMethod(http.MethodGet) })
				if want := firstFitting(sorted, host, path, http.MethodGet); won.Route == nil || won.Route.Name != want {
					t.Errorf("%s%s: the table says %s, the proxy takes %+v", host, path, want, won.Route)
				}
			}
		}
	}
}

func firstFitting(sorted []config.Route, host, path, method string) string {
	for _, r := range sorted {
		hostFits := r.Host == "" || r.Host == host || strings.HasPrefix(r.Host, "*.") && strings.HasSuffix(host, r.Host[1:])
		pathFits := strings.HasPrefix(path+"/", strings.TrimSuffix(r.Path, "/")+"/")
		if hostFits && pathFits && (len(r.Methods) == 0 || slices.Contains(r.Methods, method)) {
			return r.Name
		}
	}
	return ""
}
