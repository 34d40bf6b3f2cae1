package admin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"wxgate/internal/testkit"
)

func TestHealthMetricsAndKeysNeedNoToken(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/.well-known/jwks.json"} {
		for _, method := range []string{"GET", "HEAD"} {
			if a := env.call(method, path, "", ""); a.Status != http.StatusOK {
				t.Errorf("%s %s: %v", method, path, a)
			}
		}
	}
	env.draining.Store(true)
	if a := env.call("GET", "/readyz", "", ""); a.Status != http.StatusServiceUnavailable {
		t.Errorf("while draining: %v", a)
	}
	if a := env.call("GET", "/healthz", "", ""); a.Status != http.StatusOK {
		t.Errorf("alive while draining: %v", a)
	}
}

func TestReadinessCanIgnoreTheStore(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.redis.Stop()
	if a := env.call("GET", "/readyz?store=ignore", "", ""); a.Status != http.StatusOK {
		t.Errorf("without Redis: %v", a)
	}
	if a := env.call("GET", "/readyz?store=x", "", ""); a.Status != http.StatusServiceUnavailable {
		t.Errorf("another value: %v", a)
	}
	env.draining.Store(true)
	if a := env.call("GET", "/readyz?store=ignore", "", ""); a.Status != http.StatusServiceUnavailable || !strings.Contains(string(a.Body), `["draining"]`) {
		t.Errorf("while draining: %v", a)
	}
}

func TestReadinessReportsAnUnreachableRedis(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.redis.Stop()
	a := env.call("GET", "/readyz", "", "")
	var body struct {
		Status   string
		Problems []string
	}
	a.JSON(t, &body)
	if a.Status != http.StatusServiceUnavailable || body.Status != "not_ready" || fmt.Sprint(body.Problems) != "[store_unavailable]" {
		t.Errorf("without Redis: %v", a)
	}
	if a := env.call("GET", "/api/users/"+app+"/x", adminToken, ""); outcome(a) != "503 store_unavailable" || a.Header.Get("Retry-After") == "" {
		t.Errorf("a call without Redis: %v", a)
	}
	env.redis.Start()
	testkit.Eventually(t, "ready again", func() bool { return env.call("GET", "/readyz", "", "").Status == http.StatusOK })
}
