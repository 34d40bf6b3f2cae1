package upstream

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"wxgate/internal/testkit"
)

// checked opens a group whose checks the test makes itself.
func checked(t *testing.T, h Health, url string) (*Group, *healthChecker) {
	t.Helper()
	g, _ := group(t, Config{Targets: targets(t, url)})
	h.Path = "/health?deep=1"
	g.config.Health = Config{Health: h}.withDefaults().Health
	return g, newHealthChecker(g, g.endpoints[0])
}

func TestChecksTakeOutAndBringBack(t *testing.T) {
	t.Parallel()
	backend, u := serveNamed(t, "a")
	g, c := checked(t, Health{Unhealthy: 3, Healthy: 2}, u)
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

func TestAllUnhealthyIsItsOwnError(t *testing.T) {
	t.Parallel()
	backend, u := serveNamed(t, "a")
	g, c := checked(t, Health{Unhealthy: 1, Healthy: 1}, u)
	backend.code.Store(500)
	c.check(t.Context())
	requestWritten := backend.hits.Load()
	if r := get(t, g, "/"); !errors.Is(r.err, ErrNoHealthy) || backend.hits.Load() != requestWritten {
		t.Errorf("error is %v, asked %d times", r.err, backend.hits.Load()-requestWritten)
	}
	backend.code.Store(204)
	c.check(t.Context())
	if r := get(t, g, "/"); r.err != nil {
		t.Errorf("after recovery: %v", r.err)
	}
}

func TestChecksFailWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	silent := serve(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	for name, u := range map[string]string{"refused": refused, "silent": silent} {
		g, c := checked(t, Health{Unhealthy: 1, Timeout: 50 * time.Millisecond}, u)
		c.check(t.Context())
		if g.Status()[0].Healthy {
			t.Errorf("%s: still healthy", name)
		}
	}
}

func TestACheckCutShortSaysNothing(t *testing.T) {
	t.Parallel()
	_, u := serveNamed(t, "a")
	g, c := checked(t, Health{Unhealthy: 1}, u)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.check(ctx)
	if !g.Status()[0].Healthy {
		t.Error("unhealthy because the group was closed")
	}
}

func TestChecksAskTheHealthPathOfTheHost(t *testing.T) {
	t.Parallel()
	requestWritten := make(chan *http.Request, 1)
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requestWritten <- r
		http.Redirect(w, r, "/login", http.StatusFound)
	})
	g, c := checked(t, Health{Unhealthy: 1}, u+"/base")
	c.check(t.Context())
	if r := <-requestWritten; r.RequestURI != "/health?deep=1" || r.Method != "GET" || !g.Status()[0].Healthy {
		t.Errorf("asked %s %s, %+v", r.Method, r.RequestURI, g.Status()[0])
	}
}

func TestChecksRunByThemselves(t *testing.T) {
	t.Parallel()
	backend, u := serveNamed(t, "a")
	g, _ := group(t, Config{Targets: targets(t, u), Health: Health{Path: "/", Interval: time.Millisecond}})
	backend.code.Store(500)
	testkit.Eventually(t, "unhealthy", func() bool { return !g.Status()[0].Healthy })
	backend.code.Store(200)
	testkit.Eventually(t, "healthy again", func() bool { return g.Status()[0].Healthy })
	g.Close()
	after := backend.hits.Load()
	if get(t, g, "/"); backend.hits.Load() != after+1 {
		t.Error("checks went on after Close")
	}
}
