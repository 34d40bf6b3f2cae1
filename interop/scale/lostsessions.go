package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"wxgate/interop/rig"
	"wxgate/session"
)

// authenticate authenticates a token, and repeats that after ErrUnavailable: on a busy
// machine Redis may reply too late, and only the existence of the session matters here.
func authenticate(ctx context.Context, store *session.Store, token string) error {
	for try := 1; ; try++ {
		_, err := store.Authenticate(ctx, token)
		if !errors.Is(err, session.ErrUnavailable) || try == 10 {
			return err
		}
		if err := rig.Pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// countLostLogins counts the logins that returned a token whose session no longer exists,
// and those among them that replication lag doesn't explain.
func countLostLogins(ctx context.Context, store *session.Store, results []sent, killed time.Time) (lost, unexplained int, err error) {
	for _, s := range results {
		if s.token == "" {
			continue
		}
		err := authenticate(ctx, store, s.token)
		switch {
		case errors.Is(err, session.ErrSessionEnded):
			lost++
			if s.end().Before(killed.Add(-replicationLag)) || s.due.After(killed) {
				unexplained++
			}
		case err != nil:
			return 0, 0, err
		}
	}
	return lost, unexplained, nil
}

// countLostSessions counts the sessions of before the load that no longer exist. The
// store's cache doesn't hide a loss: its entries of the look-ups have expired by now.
func countLostSessions(ctx context.Context, store *session.Store, tokens []string) (int, error) {
	var lost atomic.Int64
	err := inParallel(ctx, len(tokens), func(i int) error {
		err := authenticate(ctx, store, tokens[i])
		if errors.Is(err, session.ErrSessionEnded) {
			lost.Add(1)
			return nil
		}
		return err
	})
	return int(lost.Load()), err
}
