package wechat_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/wechat"
)

// One user's calls, however many, take a share of the slots: they are refused beyond
// it, the circuit breaker stays closed, and other users' calls go through at once.
func TestOneUserCannotTakeAllSlots(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var inFlight atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("openid") == "greedy" {
			inFlight.Add(1)
			<-release
		}
		saying(`{"errcode":0,"errmsg":"ok"}`)(w, r)
	}))
	defer srv.Close()
	c := newClient(t, settings{Base: srv.URL, Tokens: fixedToken{"T1"}, Timeout: 20 * time.Second})
	var refused atomic.Int32
	var calls sync.WaitGroup
	for range 600 {
		calls.Go(func() {
			_, err := c.CheckSession(t.Context(), appID, "greedy", "key")
			var e *wechat.Error
			if errors.Is(err, wechat.ErrRateLimited) && errors.As(err, &e) && e.RetryAfter > 0 {
				refused.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	testkit.Within(t, 10*time.Second, "all but the user's share refused", func() bool { return refused.Load() == 592 && inFlight.Load() == 8 })
	for i := range 20 {
		if ok, err := c.CheckSession(t.Context(), appID, fmt.Sprint("other", i), "key"); !ok || err != nil {
			t.Errorf("another user: %v, %v", ok, err)
		}
	}
	close(release)
	calls.Wait()
	if ok, err := c.CheckSession(t.Context(), appID, "greedy", "key"); !ok || err != nil {
		t.Errorf("the same user afterwards: %v, %v", ok, err)
	}
}

// Calls whose time passes while they wait for a slot don't open the circuit breaker:
// nobody asked WeChat.
func TestQueueingTimeoutsDoNotOpenTheCircuitBreaker(t *testing.T) {
	t.Parallel()
	var slow atomic.Bool
	slow.Store(true)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slow.Load() {
			select {
			case <-time.After(300 * time.Millisecond): // most of the timeout, but not all
			case <-r.Context().Done():
				return
			}
		}
		saying(`{"errcode":0,"errmsg":"ok"}`)(w, r)
	}))
	defer srv.Close()
	c := newClient(t, settings{Base: srv.URL, Tokens: fixedToken{"T1"}, Timeout: 500 * time.Millisecond, MaxInFlight: 20})
	var calls sync.WaitGroup
	var failed atomic.Int32
	for i := range 60 {
		calls.Go(func() {
			if _, err := c.CheckSession(t.Context(), appID, fmt.Sprint("o", i), "key"); err != nil {
				failed.Add(1)
			}
		})
	}
	calls.Wait()
	slow.Store(false)
	if failed.Load() < 20 {
		t.Errorf("only %d calls ran out of time", failed.Load())
	}
	if ok, err := c.CheckSession(t.Context(), appID, "o", "key"); !ok || err != nil {
		t.Errorf("afterwards: %v, %v", ok, err)
	}
}
