package session

import (
	"context"
	"time"

	"github.com/maypok86/otter/v2"
)

// maxLocalNonces bounds the nonces that an instance remembers by itself.
const maxLocalNonces = 100_000

// nonces are those used through this instance, each until it may be forgotten.
type nonces struct {
	used *otter.Cache[string, time.Time]
}

func newNonces() nonces {
	return nonces{otter.Must(&otter.Options[string, time.Time]{MaximumSize: maxLocalNonces})}
}

// use reports whether the nonce is new here.
func (n nonces) use(name string, until, now time.Time) (first bool) {
	first = true
	n.used.Compute(name, func(old time.Time, found bool) (time.Time, otter.ComputeOp) {
		if first = !found || !now.Before(old); !first {
			return old, otter.CancelOp // a repeat doesn't prolong it
		}
		return until, otter.WriteOp
	})
	return first
}

// UseNonce records that a user's nonce was used and reports whether that was the
// first time, on any instance. It is remembered until the given time. Where
// Redis is unreachable the error is ErrUnavailable, and first counts the uses
// through this instance only.
func (s *Store) UseNonce(ctx context.Context, session *Session, nonce string, until time.Time) (first bool, err error) {
	now := s.now()
	name := hashOf("nonce", session.AppID, session.OpenID, nonce)
	if !s.nonces.use(name, until, now) {
		return false, nil
	}
	holder, err := s.acquireNonce(ctx, s.keys.nonce(name), max(until.Sub(now), time.Millisecond))
	if err != nil {
		return true, err
	}
	return holder, nil
}

// acquireNonce reports whether the key is this call's. The value distinguishes it from
// another's: a command whose reply got lost is sent again, and finds its own.
func (s *Store) acquireNonce(ctx context.Context, key string, lifetime time.Duration) (first bool, err error) {
	own := newID()
	err = s.redis.do(ctx, "nonce", key, func(ctx context.Context) (err error) {
		if first, err = s.redis.SetNX(ctx, key, own, lifetime).Result(); err != nil || first {
			return err
		}
		held, err := s.redis.Get(ctx, key).Result()
		first = held == own
		return err
	})
	if isMissing(err) {
		return true, nil // it ran out between the two commands
	}
	return first, err
}
