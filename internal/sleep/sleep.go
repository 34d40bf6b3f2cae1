// Package sleep is time.Sleep with a context.
package sleep

import (
	"context"
	"time"
)

// For waits for d or until ctx is done, and reports whether it waited for all of d.
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
