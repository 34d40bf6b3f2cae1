package testkit

import (
	"sync"
	"time"
)

// Clock is a clock that only Advance moves, for fields such as
// Now func() time.Time. The zero value shows 2026-03-01 12:00 UTC.
type Clock struct {
	mu     sync.Mutex
	passed time.Duration
}

// Now returns the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(c.passed)
}

// Advance moves the clock forward by d, or back when d is negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed += d
}
