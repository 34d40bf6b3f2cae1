package proxy_test

import (
	"net/http"
	"strings"
	"testing"

	"wxgate/proxy"
)

func TestGatewayReplacesTheBackendsCORSHeaders(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{
		routes: []*proxy.Route{
			{Name: "h5", Path: "/h5/", Auth: proxy.AuthRequired, CORSOrigins: []string{"https://good.test"}},
			{Name: "api", Path: "/api/", Auth: proxy.AuthRequired},
		},
		backend: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Access-Control-Allow-Credentials", "true")
		}),
	})
	preflight := []string{"Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "authorization"}
	res := env.call("OPTIONS", "/h5/x", "", "", append(preflight, "Origin", "https://good.test")...)
	if res.Status != 204 || res.Header.Get("Access-Control-Allow-Origin") != "https://good.test" || res.Header.Get("Access-Control-Allow-Headers") != "authorization" {
		t.Errorf("preflight: %d %v", res.Status, res.Header)
	}
	for _, origin := range []string{"https://evil", "null", "https://good.test.evil", "https://evilgood.test", "http://good.test", "https://good.test:444"} {
		for _, method := range []string{"OPTIONS", "GET"} {
			res := env.call(method, "/h5/x", "", "", append(preflight, "Origin", origin)...)
			if res.Header.Get("Access-Control-Allow-Origin") != "" || !strings.Contains(res.Header.Get("Vary"), "Origin") {
				t.Errorf("%s from %s: %d %v", method, origin, res.Status, res.Header)
			}
		}
	}
	token := env.login("alice")
	res = env.call("GET", "/h5/x", token, "", "Origin", "https://good.test")
	if got := res.Header.Values("Access-Control-Allow-Origin"); len(got) != 1 || got[0] != "https://good.test" || res.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("response: %v", res.Header)
	}
	if res := env.call("OPTIONS", "/api/x", "", "", append(preflight, "Origin", "https://good.test")...); res.Status != 401 {
		t.Errorf("a preflight of a route without origins: %d", res.Status)
	}
}
