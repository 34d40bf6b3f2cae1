package session

import (
	"context"
	"time"

	"github.com/maypok86/otter/v2"
)

// maxLocalNonces bounds the nonces that an instance stores.
const maxLocalNonces = 100_000

// nonces are the nonces used through this instance, each with the time until which it
// must not be used again.
type nonces struct {
	used *otter.Cache[string, time.Time]
}

func newNonces() nonces {
	return nonces{otter.Must(&otter.Options[string, time.Time]{MaximumSize: maxLocalNonces})}
}

// use records a nonce, and reports whether it is new to this instance.
func (n nonces) use(name string, until, now time.Time) (first bool) {
	first = true
	n.used.Compute(name, func(old time.Time, found bool) (time.Time, otter.ComputeOp) {
		if first = !found || !now.Before(old); !first {
			return old, otter.CancelOp // a repeat doesn't extend it
		}
		return until, otter.WriteOp
	})
	return first
}

// UseNonce records the use of a user's nonce, and reports whether it is the first on
// any instance. The nonce is stored until the given time. If Redis is unreachable, the
// error is ErrUnavailable, and first considers only the uses through this instance.
func (s *Store) UseNonce(ctx context.Context, session *Session, nonce string, until time.Time) (first bool, err error) {
	now := s.now()
	name := hashOf("nonce", session.AppID, session.OpenID, nonce)
	if !s.nonces.use(name, until, now) {
		return false, nil
	}
	first, err = s.acquireNonce(ctx, s.keys.nonce(name), max(until.Sub(now), time.Millisecond))
	if err != nil {
		return true, err
	}
	return first, nil
}

// acquireNonce sets a key, and reports whether it was unset. The random value
// identifies this call: if the reply to the first command is lost and the client
// repeats it, it finds the key with its own value.
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
		return true, nil // it expired between the two commands
	}
	return first, err
}
