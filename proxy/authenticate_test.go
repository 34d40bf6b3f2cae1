package proxy_test

import (
	"net/http"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/session"
)

func TestRenewedTokenIsSentWithTheResponse(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{
		settings: func(s *session.Config) { s.TokenTTL, s.RenewBefore = time.Hour, time.Hour },
		backend: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Session-Token", "from-the-backend")
			w.Header().Set("X-Gateway-Error", "token_expired")
			w.Header().Set("Cache-Control", "public, max-age=3600")
		}),
	})
	token := env.login("alice")
	var res testkit.Response
	var renewed []string
	// A token is renewed when a new one would expire at least a second later.
	testkit.Within(t, 5*time.Second, "a renewal", func() bool {
		res = env.call("GET", "/api/x", token, "")
		renewed = res.Header.Values("X-Session-Token")
		return len(renewed) > 0
	})
	if len(renewed) != 1 || renewed[0] == "from-the-backend" || renewed[0] == token || res.Header.Get("Cache-Control") != "private, no-store" {
		t.Fatalf("the response has %v", res.Header)
	}
	if res.Code() != "" {
		t.Error("a backend can set X-Gateway-Error")
	}
	for _, valid := range []string{token, renewed[0]} {
		if res := env.call("GET", "/api/x", valid, ""); res.Status != 200 {
			t.Errorf("after renewal: %d %s", res.Status, res.Code())
		}
	}
	if res := env.call("GET", "/public/x", "", ""); res.Header.Get("X-Session-Token") != "" {
		t.Error("a backend can set X-Session-Token")
	}
}

func TestOptionalRouteRefusesInvalidTokens(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{})
	if res := env.call("GET", "/optional/x", "", ""); res.Status != 200 {
		t.Errorf("without a token: %d", res.Status)
	}
	if res := env.call("GET", "/optional/x", "nonsense", ""); res.Status != 401 || res.Code() != "token_invalid" {
		t.Errorf("with an invalid one: %d %s", res.Status, res.Code())
	}
}
