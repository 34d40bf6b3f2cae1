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
	var a testkit.Response
	var renewed []string
	// A token is renewed when a new one would expire at least a second later.
	testkit.Within(t, 5*time.Second, "a renewal", func() bool {
		a = env.call("GET", "/api/x", token, "")
		renewed = a.Header.Values("X-Session-Token")
		return len(renewed) > 0
	})
	if len(renewed) != 1 || renewed[0] == "from-the-backend" || renewed[0] == token || a.Header.Get("Cache-Control") != "private, no-store" {
		t.Fatalf("the response has %v", a.Header)
	}
	if a.Code() != "" {
		t.Error("a backend can set X-Gateway-Error")
	}
	for _, valid := range []string{token, renewed[0]} {
		if a := env.call("GET", "/api/x", valid, ""); a.Status != 200 {
			t.Errorf("after renewal: %d %s", a.Status, a.Code())
		}
	}
	if a := env.call("GET", "/public/x", "", ""); a.Header.Get("X-Session-Token") != "" {
		t.Error("a backend can set X-Session-Token")
	}
}

func TestOptionalRouteRefusesInvalidTokens(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{})
	if a := env.call("GET", "/optional/x", "", ""); a.Status != 200 {
		t.Errorf("without a token: %d", a.Status)
	}
	if a := env.call("GET", "/optional/x", "nonsense", ""); a.Status != 401 || a.Code() != "token_invalid" {
		t.Errorf("with an invalid one: %d %s", a.Status, a.Code())
	}
}
