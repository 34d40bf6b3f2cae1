package session

import (
	"errors"
	"time"
)

// While Redis is unreachable, a session can be used if it is cached and Redis confirmed it
// within Config.StaleIfError. circuit.go has the circuit breaker, ratelimit.go and nonce.go
// have what each instance counts by itself meanwhile.

// checkStaleIfError returns nil if a cached session can be used although loading it
// failed with err: Redis confirmed it within StaleIfError, and it has not expired as
// far as this instance knows. Otherwise it returns err, or ErrSessionEnded.
func (s *Store) checkStaleIfError(cs *cachedSession, err error, now time.Time) error {
	if e := s.checkEnded(cs, now); e != nil {
		return e
	}
	c := s.config.Load()
	if now.Sub(time.Unix(0, cs.confirmedAt.Load())) >= c.StaleIfError || now.Sub(time.Unix(0, cs.usedAt.Load())) >= c.idleTimeout(cs.packed.Load().isWeb()) {
		return err
	}
	s.metrics.stale.Inc()
	return nil
}

// verifyWithoutRedis authenticates a token that is not cached, after loading its
// session failed with err because Redis is unreachable. It accepts only a JWT whose
// session is cached and was confirmed within StaleIfError.
func (s *Store) verifyWithoutRedis(claims tokenClaims, hash tokenHash, c *activeConfig, err error, now time.Time) (AuthResult, error) {
	lost := errors.Is(err, errDataLost)
	if claims.jwt == nil || !lost && !errors.Is(err, ErrUnavailable) {
		return AuthResult{}, err
	}
	cs := s.cache.acquire(claims.sid)
	if cs == nil {
		return AuthResult{}, err
	}
	session := cs.packed.Load().session()
	end, mismatch := claims.match(storedSession{session: &session}, now)
	if mismatch == nil {
		err = s.checkStaleIfError(cs, err, now)
	}
	if err != nil {
		s.cache.release(cs)
		return AuthResult{}, err
	}
	return s.cacheVerified(cachedToken{session: cs, end: seconds32(end), key: claims.key, hash: hash}, c, now)
}

// staleAppEnd returns the cached end if Redis is unreachable and confirmed it within
// StaleIfError; else err. In a cluster, an app's one key may be on an unreachable node
// while the sessions on the other nodes can be used.
func (s *Store) staleAppEnd(appid string, now time.Time, err error) (int64, error) {
	end, ok := s.apps.get(appid)
	if !ok || !errors.Is(err, ErrUnavailable) || now.Sub(end.confirmedAt) >= s.config.Load().StaleIfError {
		return 0, err
	}
	return end.before, nil
}
