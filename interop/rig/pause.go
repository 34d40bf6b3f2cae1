package rig

import (
	"context"
	"time"

	"wxgate/internal/sleep"
)

// Pause waits for d, or until ctx ends, and returns the error of ctx.
func Pause(ctx context.Context, d time.Duration) error {
	sleep.For(ctx, d)
	return ctx.Err()
}
