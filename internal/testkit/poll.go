package testkit

import (
	"fmt"
	"testing"
	"time"
)

const (
	// eventuallyLimit is long because the machine may be busy with other tests. A
	// test that passes doesn't wait this long.
	eventuallyLimit = 20 * time.Second

	pollInterval = 5 * time.Millisecond
)

// Eventually waits until ok returns true, for a condition that another goroutine or
// process changes. It ends the test after 20 seconds.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	Within(t, eventuallyLimit, what, ok)
}

// Within is Eventually with another time limit.
func Within(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	err := Poll(limit, func() error {
		if !ok() {
			return fmt.Errorf("not %s", what)
		}
		return nil
	})
	Must(t, err)
}

// NoErrorWithin waits until check returns nil, and ends the test with its last
// error after limit.
func NoErrorWithin(t testing.TB, limit time.Duration, check func() error) {
	t.Helper()
	Must(t, Poll(limit, check))
}

// Poll calls check every five milliseconds until it returns nil. After limit it
// returns check's last error.
func Poll(limit time.Duration, check func() error) error {
	for end := time.Now().Add(limit); ; time.Sleep(pollInterval) {
		err := check()
		if err == nil {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("after %v: %w", limit, err)
		}
	}
}
