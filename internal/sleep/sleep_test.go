package sleep_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"wxgate/internal/sleep"
)

func TestForReturnsWhenTheContextIsDone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		if !sleep.For(ctx, 20*time.Second) || time.Since(start) != 20*time.Second {
			t.Errorf("a wait of 20 s took %v", time.Since(start))
		}
		if sleep.For(ctx, time.Hour) || time.Since(start) != time.Minute {
			t.Errorf("returned after %v, the context was done after 1 m", time.Since(start))
		}
	})
}
