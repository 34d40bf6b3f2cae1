package upstream

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"wxgate/internal/testkit"
)

// groupWithChecker opens a group whose active checks are made by the test.
func groupWithChecker(t *testing.T, h Health, url string) (*Group, *healthChecker) {
	t.Helper()
	g, _ := groupWithClock(t, Config{Targets: targets(t, url)})
	h.Path = "/health?deep=1"
	g.config.Health = Config{Health: h}.withDefaults().Health
	return g, newHealthChecker(g, g.endpoints[0])
}

func TestConsecutiveChecksChangeTheHealth(t *testing.T) {
	t.Parallel()
	backend, u := serveCounting(t, "a")
	g, c := groupWithChecker(t, Health{Unhealthy: 3, Healthy: 2}, u)
	for i, step := range []struct {
		code    int64
		healthy bool
	}{
		{500, true}, {500, true}, {200, true}, // two in a row are not three
		{500, true}, {404, true}, {503, false},
		{200, false}, {500, false}, {200, false}, {302, true},
	} {
		backend.code.Store(step.code)
		c.check(t.Context())
		if s := g.Status()[0]; s.Healthy != step.healthy || s.Available() != step.healthy {
			t.Errorf("step %d: %+v", i, s)
		}
	}
}

func TestIfAllTargetsAreUnhealthyTheErrorIsErrNoHealthy(t *testing.T) {
	t.Parallel()
	backend, u := serveCounting(t, "a")
	g, c := groupWithChecker(t, Health{Unhealthy: 1, Healthy: 1}, u)
	backend.code.Store(500)
	c.check(t.Context())
	before := backend.requests.Load()
	if r := get(t, g, "/"); !errors.Is(r.err, ErrNoHealthy) || backend.requests.Load() != before {
		t.Errorf("error is %v after %d requests", r.err, backend.requests.Load()-before)
	}
	backend.code.Store(204)
	c.check(t.Context())
	if r := get(t, g, "/"); r.err != nil {
		t.Errorf("after recovery: %v", r.err)
	}
}

func TestACheckWithoutAResponseFails(t *testing.T) {
	t.Parallel()
	silent := serve(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	for name, u := range map[string]string{"refused": refusedURL, "silent": silent} {
		g, c := groupWithChecker(t, Health{Unhealthy: 1, Timeout: 50 * time.Millisecond}, u)
		c.check(t.Context())
		if g.Status()[0].Healthy {
			t.Errorf("%s: still healthy", name)
		}
	}
}

func TestACanceledCheckIsIgnored(t *testing.T) {
	t.Parallel()
	_, u := serveCounting(t, "a")
	g, c := groupWithChecker(t, Health{Unhealthy: 1}, u)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.check(ctx)
	if !g.Status()[0].Healthy {
		t.Error("unhealthy because the group was closed")
	}
}

func TestChecksRequestTheHealthPathWithoutTheBasePath(t *testing.T) {
	t.Parallel()
	received := make(chan *http.Request, 1)
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		received <- r
		http.Redirect(w, r, "/login", http.StatusFound)
	})
	g, c := groupWithChecker(t, Health{Unhealthy: 1}, u+"/base")
	c.check(t.Context())
	if r := <-received; r.RequestURI != "/health?deep=1" || r.Method != "GET" || !g.Status()[0].Healthy {
		t.Errorf("request %s %s, %+v", r.Method, r.RequestURI, g.Status()[0])
	}
}

func TestChecksRunAtIntervalsUntilClose(t *testing.T) {
	t.Parallel()
	backend, u := serveCounting(t, "a")
	g, _ := groupWithClock(t, Config{Targets: targets(t, u), Health: Health{Path: "/", Interval: time.Millisecond}})
	backend.code.Store(500)
	testkit.Eventually(t, "unhealthy", func() bool { return !g.Status()[0].Healthy })
	backend.code.Store(200)
	testkit.Eventually(t, "healthy again", func() bool { return g.Status()[0].Healthy })
	g.Close()
	after := backend.requests.Load()
	if get(t, g, "/"); backend.requests.Load() != after+1 {
		t.Error("checks went on after Close")
	}
}
