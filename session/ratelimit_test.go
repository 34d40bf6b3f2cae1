package session

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/internal/testkit/redistest"
)

func TestInstancesCountTogether(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	stores := []*Store{openStore(t, server, nil), openStore(t, server, nil)}
	rate := Rate{Count: 30, Per: time.Minute}
	var allowed atomic.Int32
	var requests sync.WaitGroup
	for i := range 90 {
		requests.Go(func() {
			wait, ok := stores[i%2].Allow(t.Context(), "192.0.2.1", rate)
			if ok {
				allowed.Add(1)
			} else if wait <= 0 || wait > 2*time.Second {
				t.Errorf("to wait %v", wait)
			}
		})
	}
	requests.Wait()
	if n := allowed.Load(); n < 30 || n > 31 {
		t.Errorf("%d allowed at once", n)
	}
	if _, ok := stores[0].Allow(t.Context(), "192.0.2.2", rate); !ok {
		t.Error("another key pays for the first")
	}
	if counted(stores[0].metrics.limited)+counted(stores[1].metrics.limited) == 0 {
		t.Error("not counted")
	}
}

// RL-05: after the burst it is the long-run rate, whatever the time of day.
func TestLimitHasNoWindow(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), nil)
	rate := Rate{Count: 50, Per: time.Second} // one more every 20 ms
	allowed, begin := 0, time.Now()
	for time.Since(begin) < time.Second {
		wait, ok := s.Allow(t.Context(), "key", rate)
		if ok {
			allowed++
			continue
		}
		time.Sleep(wait)
	}
	if most := 50 + int(time.Since(begin)/(20*time.Millisecond)) + 1; allowed > most || allowed < 60 {
		t.Errorf("%d allowed in a second, at most %d should", allowed, most)
	}
}

// RL-06, and the same arithmetic without Redis.
func TestEachInstanceCountsForItselfWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	var c clock
	s := openStore(t, server, func(o *Config) { o.Now = c.now })
	server.Stop()
	rate := Rate{Count: 3, Per: time.Minute}
	for i := range 5 {
		wait, ok := s.Allow(t.Context(), "key", rate)
		if ok != (i < 3) || !ok && (wait <= 0 || wait > 20*time.Second) {
			t.Errorf("request %d: %v, %v", i, wait, ok)
		}
	}
	c.advance(20 * time.Second)
	if _, ok := s.Allow(t.Context(), "key", rate); !ok {
		t.Error("still limited a third of a minute later")
	}
	if _, ok := s.Allow(t.Context(), "key", rate); ok {
		t.Error("two at the price of one")
	}
	if counted(s.metrics.localLimits) == 0 {
		t.Error("the fall-back isn't counted")
	}
}

// DS-16.
func TestLocalLimitsAreBounded(t *testing.T) {
	t.Parallel()
	l := newLocalLimits()
	for i := range maxLocalLimits + 5000 {
		l.wait(fmt.Sprint(i), Rate{1, time.Hour}, time.Now())
	}
	l.due.CleanUp()
	if n := l.due.EstimatedSize(); n > maxLocalLimits {
		t.Errorf("%d kept", n)
	}
}

func TestRateWithoutACountAllowsEverything(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	for range 3 {
		if _, ok := s.Allow(t.Context(), "key", Rate{}); !ok {
			t.Error("limited")
		}
	}
}
