package upstream

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"
)

// cancelable is a call whose context and Canceler end together, as the caller has
// to see to it.
func cancelable(t testing.TB, path string) (*Call, func()) {
	ctx, cancel := context.WithCancel(t.Context())
	c := &Call{Request: request(t, "GET", path, "").WithContext(ctx), Canceler: new(Canceler)}
	return c, func() { cancel(); c.Canceler.Cancel() }
}

func TestCancelEndsTheRequest(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 1)
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stream" {
			w.(http.Flusher).Flush()
		}
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	g, _ := group(t, Config{Targets: targets(t, u)})
	for _, path := range []string{"/silent", "/stream"} {
		c, cancel := cancelable(t, path)
		go func() { <-arrived; cancel() }()
		if r := sendCall(g, c); r.err == nil {
			t.Errorf("%s: ended with %d", path, r.status)
		}
	}
	c, cancel := cancelable(t, "/never sent")
	cancel()
	if r := sendCall(g, c); r.err == nil || len(arrived) != 0 {
		t.Errorf("canceled before: %v, arrived %d times", r.err, len(arrived))
	}
	if n := inFlight(g); n != 0 {
		t.Errorf("%d still in flight", n)
	}
}

// A cancel that comes when the response has been read finds the connection in the
// pool, or in use by another request.
func TestALateCancelHitsNoOtherRequest(t *testing.T) {
	t.Parallel()
	_, u := serveNamed(t, "a")
	g, _ := group(t, Config{Targets: targets(t, u)})
	var working, late sync.WaitGroup
	for range 4 {
		working.Go(func() {
			for i := range 500 {
				c, cancel := cancelable(t, "/")
				late.Go(func() {
					time.Sleep(time.Duration(i%40) * 10 * time.Microsecond) // about when the response ends
					cancel()
				})
				sendCall(g, c) // may be canceled or not
			}
		})
		working.Go(func() {
			for range 1000 {
				if r := get(t, g, "/"); r.err != nil || r.body != "a" {
					t.Errorf("another request got %q, %v", r.body, r.err)
				}
			}
		})
	}
	working.Wait()
	late.Wait()
}
