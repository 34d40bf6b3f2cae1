package proxy_test

import (
	"testing"
	"time"

	"wxgate/proxy"
	"wxgate/session"
)

func TestRateLimitIsPerUser(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{routes: []*proxy.Route{{Name: "api", Path: "/", Auth: proxy.AuthRequired, RateLimit: session.Rate{Count: 2, Per: time.Minute}}}})
	alice, bob := env.login("alice"), env.login("bob")
	for i := range 4 {
		res := env.call("GET", "/x", alice, "")
		if (res.Status == 429) != (i >= 2) {
			t.Errorf("alice's request %d: %d", i, res.Status)
		}
	}
	if res := env.call("GET", "/x", bob, ""); res.Status != 200 {
		t.Errorf("bob: %d", res.Status)
	}
}
