// Package sleep is time.Sleep for code that has a context.
package sleep

import (
	"context"
	"time"
)

// For waits unless ctx ends first, and reports whether it waited in full.
func For(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
