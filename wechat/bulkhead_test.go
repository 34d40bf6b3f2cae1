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

// A user's calls beyond their share of the slots are refused, the circuit breaker stays
// closed, and the calls of other users don't wait.
func TestOneUserCannotUseAllSlots(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var inFlight atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("openid") == "mallory" {
			inFlight.Add(1)
			<-release
		}
		respondWith(`{"errcode":0,"errmsg":"ok"}`)(w, r)
	}))
	defer srv.Close()
	c := newClient(t, settings{Base: srv.URL, Tokens: fixedToken{"T1"}, Timeout: 20 * time.Second})
	var refused atomic.Int32
	var calls sync.WaitGroup
	for range 600 {
		calls.Go(func() {
			_, err := c.CheckSession(t.Context(), appID, "mallory", "key")
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
	if ok, err := c.CheckSession(t.Context(), appID, "mallory", "key"); !ok || err != nil {
		t.Errorf("the same user afterwards: %v, %v", ok, err)
	}
}
