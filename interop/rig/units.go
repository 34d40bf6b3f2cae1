package rig

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Pause waits, for measurements of what has come to rest.
func Pause(ctx context.Context, pause time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
		return nil
	}
}

// MiB writes bytes as MiB.
func MiB(bytes int64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(bytes)/(1<<20)), ".0")
}
