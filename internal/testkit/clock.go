package testkit

import (
	"sync"
	"time"
)

// Clock is a time that a test moves, for fields such as Now func() time.Time.
// The zero value stands at the first of March 2026, noon, UTC.
type Clock struct {
	mu     sync.Mutex
	passed time.Duration
}

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(c.passed)
}

// Advance moves the clock; a negative d moves it back.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed += d
}
