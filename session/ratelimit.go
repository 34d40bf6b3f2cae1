package session

import (
	"context"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
)

// Rate is Count requests per Per on average, with a burst of Count.
type Rate struct {
	Count int
	Per   time.Duration
}

// step returns the time between two requests at the average rate.
func (r Rate) step() time.Duration {
	return max(r.Per/time.Duration(max(r.Count, 1)), time.Microsecond)
}

// Allow counts one request for key, and reports whether it is within the rate, and if
// not, how long to wait. All instances count together, by GCRA: unlike a counter for
// each window, it permits no double burst at the end of a window. While Redis is
// unreachable, each instance counts for itself. A rate without a Count allows
// everything.
func (s *Store) Allow(ctx context.Context, key string, rate Rate) (retryAfter time.Duration, ok bool) {
	if rate.Count <= 0 {
		return 0, true
	}
	c := s.limitCall(key, rate)
	s.redis.runAll(ctx, []*call{c})
	return s.limited(c, key, rate)
}

// limitCall returns the operation that counts one request.
func (s *Store) limitCall(key string, rate Rate) *call {
	step := rate.step().Microseconds()
	stepMillis := (step + 999) / 1000 // rounded up
	return &call{
		script: rateLimitScript, keys: []string{s.keys.limit(hashOf(key))},
		args: []any{step, rate.Count, stepMillis*1000 - step, stepMillis},
	}
}

// limited reads the reply to limitCall.
func (s *Store) limited(c *call, key string, rate Rate) (retryAfter time.Duration, ok bool) {
	wait, isNumber := c.reply.(int64)
	retryAfter = time.Duration(wait) * time.Microsecond
	if c.err != nil || !isNumber {
		s.metrics.localLimits.Inc()
		retryAfter = s.limits.wait(hashOf(key), rate, s.now())
	}
	if retryAfter > 0 {
		s.metrics.limited.Inc()
	}
	return retryAfter, retryAfter <= 0
}

// maxLocalLimits bounds the keys that an instance counts by itself.
const maxLocalLimits = 50_000

// localLimits counts requests within this instance, by GCRA.
type localLimits struct {
	mu  sync.Mutex
	due *otter.Cache[string, time.Time] // GCRA's theoretical arrival time of the next request
}

func newLocalLimits() *localLimits {
	return &localLimits{due: otter.Must(&otter.Options[string, time.Time]{MaximumSize: maxLocalLimits})}
}

func (l *localLimits) wait(name string, rate Rate, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	due, ok := l.due.GetIfPresent(name)
	if !ok || due.Before(now) {
		due = now
	}
	due = due.Add(rate.step())
	if wait := due.Sub(now) - time.Duration(rate.Count)*rate.step(); wait > 0 {
		return wait
	}
	l.due.Set(name, due)
	return 0
}
