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
	a := env.call("OPTIONS", "/h5/x", "", "", append(preflight, "Origin", "https://good.test")...)
	if a.Status != 204 || a.Header.Get("Access-Control-Allow-Origin") != "https://good.test" || a.Header.Get("Access-Control-Allow-Headers") != "authorization" {
		t.Errorf("preflight: %d %v", a.Status, a.Header)
	}
	for _, origin := range []string{"https://evil", "null", "https://good.test.evil", "https://evilgood.test", "http://good.test", "https://good.test:444"} {
		for _, method := range []string{"OPTIONS", "GET"} {
			a := env.call(method, "/h5/x", "", "", append(preflight, "Origin", origin)...)
			if a.Header.Get("Access-Control-Allow-Origin") != "" || !strings.Contains(a.Header.Get("Vary"), "Origin") {
				t.Errorf("%s from %s: %d %v", method, origin, a.Status, a.Header)
			}
		}
	}
	token := env.login("alice")
	a = env.call("GET", "/h5/x", token, "", "Origin", "https://good.test")
	if got := a.Header.Values("Access-Control-Allow-Origin"); len(got) != 1 || got[0] != "https://good.test" || a.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("response: %v", a.Header)
	}
	if a := env.call("OPTIONS", "/api/x", "", "", append(preflight, "Origin", "https://good.test")...); a.Status != 401 {
		t.Errorf("a preflight of a route without origins: %d", a.Status)
	}
}
