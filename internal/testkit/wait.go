package testkit

import (
	"fmt"
	"testing"
	"time"
)

const (
	// patience is how long Eventually waits. It is long because the machine may
	// be busy with other tests; a test that passes doesn't wait for it.
	patience = 20 * time.Second

	pollEvery = 5 * time.Millisecond
)

// Eventually waits until ok says true, for what another goroutine or process
// brings about. It ends the test after 20 seconds.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	Within(t, patience, what, ok)
}

// Within is Eventually with a limit of its own.
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

// Poll calls check, again and again, until it returns nil. After limit it
// returns check's last error.
func Poll(limit time.Duration, check func() error) error {
	for end := time.Now().Add(limit); ; time.Sleep(pollEvery) {
		err := check()
		if err == nil {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("after %v: %w", limit, err)
		}
	}
}
