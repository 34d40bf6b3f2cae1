package upstream

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"
)

// cancelable returns a call, and a function that cancels its context and then calls its
// Canceler, as a caller must.
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
	g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
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

// A cancel after the response has been read finds the connection in the pool, or in use
// by another request.
func TestALateCancelAffectsNoOtherRequest(t *testing.T) {
	t.Parallel()
	_, u := serveCounting(t, "a")
	g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
	var requests, cancels sync.WaitGroup
	for range 4 {
		requests.Go(func() {
			for i := range 500 {
				c, cancel := cancelable(t, "/")
				cancels.Go(func() {
					time.Sleep(time.Duration(i%40) * 10 * time.Microsecond) // about when the response ends
					cancel()
				})
				sendCall(g, c) // may be canceled or not
			}
		})
		requests.Go(func() {
			for range 1000 {
				if r := get(t, g, "/"); r.err != nil || r.body != "a" {
					t.Errorf("another request got %q, %v", r.body, r.err)
				}
			}
		})
	}
	requests.Wait()
	cancels.Wait()
}
