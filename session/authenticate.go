package session

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"
)

// Authenticate verifies a token and returns its session. It counts as a use of the
// session. Errors: ErrTokenInvalid, ErrTokenExpired, ErrSessionEnded, ErrUnavailable
// if Redis is needed and unreachable, and the context's own.
//
// A token that is cached costs one hash and one look-up, as long as its session needs
// no confirmation by Redis.
func (s *Store) Authenticate(ctx context.Context, token string) (AuthResult, error) {
	return s.authenticate(ctx, token, hashToken(token), (*tokens).read)
}

// authenticate is Authenticate for tokens of any kind: read parses and verifies one,
// and hash identifies it among all kinds.
func (s *Store) authenticate(ctx context.Context, token string, hash tokenHash, read func(*tokens, string) (tokenClaims, error)) (AuthResult, error) {
	if len(token) > maxToken {
		return AuthResult{}, ErrTokenInvalid
	}
	now := s.now()
	cached, ok := s.cache.token(hash)
	if !ok {
		return s.verify(ctx, token, hash, read, now)
	}
	if now.Unix() >= int64(cached.end) {
		return AuthResult{}, ErrTokenExpired
	}
	if err := s.checkCached(ctx, cached.session, now); err != nil {
		return AuthResult{}, err
	}
	return s.authResult(cached, now), nil
}

// authResult returns the result for a valid token, and records the use of its session.
func (s *Store) authResult(cached cachedToken, now time.Time) AuthResult {
	s.recordUse(cached.session, now)
	return AuthResult{
		Session: cached.session.packed.Load().session(), ExpiresAt: time.Unix(int64(cached.end), 0), cached: cached.session, token: cached.hash,
	}
}

// checkCached returns nil if a cached session can be used: because Redis confirmed it
// within CacheTTL, confirms it now, or is unreachable and confirmed it within
// StaleIfError.
func (s *Store) checkCached(ctx context.Context, cs *cachedSession, now time.Time) error {
	if cs.is(ended) {
		return ErrSessionEnded
	}
	if s.isFresh(cs, now) {
		s.metrics.hits.Inc()
		return nil
	}
	r, v, err := s.lookUp(ctx, cs.packed.Load().sid(), "", cachedTimeout)
	return s.applyReply(cs, r, v, err, now)
}

// isFresh reports whether a cached session can be used without a query to Redis.
func (s *Store) isFresh(cs *cachedSession, now time.Time) bool {
	c := s.config.Load()
	at := now.UnixNano()
	return at-cs.confirmedAt.Load() < int64(c.CacheTTL) && cs.epoch.Load() == s.epoch.Load() && !cs.is(stale) &&
		at < cs.usedAt.Load()+int64(c.idleTimeout(cs.packed.Load().isWeb())) && now.Before(cs.packed.Load().ends())
}

// applyReply updates a cached session by the result of loading it from Redis, and
// returns nil if it can be used.
func (s *Store) applyReply(cs *cachedSession, r storedSession, v readVersion, err error, now time.Time) error {
	switch {
	case err == nil:
		s.metrics.revalidated.Inc()
		s.cache.update(cs, r, v)
		return s.checkEnded(cs, now)
	case errors.Is(err, ErrUnavailable), errors.Is(err, errDataLost):
		return s.checkStaleIfError(cs, err, now)
	case errors.Is(err, ErrSessionEnded):
		s.markEnded(cs, CauseExpired)
		return ErrSessionEnded
	}
	return err
}

// checkEnded returns ErrSessionEnded for a cached session that is marked ended or has
// reached its absolute end, whatever Redis replies.
func (s *Store) checkEnded(cs *cachedSession, now time.Time) error {
	if !cs.is(ended) && !now.Before(cs.packed.Load().ends()) {
		s.markEnded(cs, CauseExpired)
	}
	if cs.is(ended) {
		return ErrSessionEnded
	}
	return nil
}

// markEnded marks a cached session ended and terminates what watches it. It does
// nothing if the session is marked already.
func (s *Store) markEnded(cs *cachedSession, cause Cause) {
	if cs.set(ended) {
		s.terminate(cs)
		if cause == CauseExpired {
			s.metrics.ended.WithLabelValues(string(cause)).Inc()
		}
	}
}

// verify authenticates a token that is not cached: it checks its signature, and loads
// its session.
func (s *Store) verify(ctx context.Context, token string, hash tokenHash, read func(*tokens, string) (tokenClaims, error), now time.Time) (AuthResult, error) {
	c := s.config.Load()
	claims, err := read(c.tokens, token)
	if err != nil {
		return AuthResult{}, err
	}
	if claims.jwt != nil && !c.hasApp(claims.jwt.Audience) {
		return AuthResult{}, ErrSessionEnded
	}
	s.metrics.misses.Inc()
	r, v, err := s.lookUp(ctx, claims.sid, claims.field, sharedTimeout)
	if err != nil {
		return s.verifyWithoutRedis(claims, hash, c, err, now)
	}
	end, err := claims.match(r, now)
	if err != nil {
		return AuthResult{}, err
	}
	return s.cacheVerified(cachedToken{session: s.cache.insert(r, v), end: seconds32(end), key: claims.key, hash: hash}, c, now)
}

// cacheVerified caches a verified token, unless the configuration was replaced since
// checkedWith and no longer accepts it. It returns the token's result if its session
// has not ended.
func (s *Store) cacheVerified(cached cachedToken, checkedWith *activeConfig, now time.Time) (AuthResult, error) {
	s.cache.addToken(cached)
	if current := s.config.Load(); current != checkedWith && !(current.tokens.stillAccepts(checkedWith.tokens, cached.key) && current.hasApp(cached.session.packed.Load().app.Value())) {
		s.cache.removeToken(cached.hash)
	}
	if err := s.checkEnded(cached.session, now); err != nil {
		return AuthResult{}, err
	}
	return s.authResult(cached, now), nil
}

// match checks that the token's claims agree with its session, and returns the token's
// end in Unix seconds.
func (c tokenClaims) match(r storedSession, now time.Time) (int64, error) {
	if r.session.ID != c.sid {
		return 0, errMismatch
	}
	if c.jwt == nil {
		return opaqueEnd(r, now)
	}
	if c.jwt.Subject != r.session.OpenID || c.jwt.Audience != r.session.AppID {
		return 0, ErrTokenInvalid
	}
	if !now.Before(c.end) {
		return 0, ErrTokenExpired // the parser's leeway, meant for iat, applies to exp too
	}
	return c.end.Unix(), nil
}

func opaqueEnd(r storedSession, now time.Time) (int64, error) {
	if r.opaqueEnd == 0 {
		return 0, ErrTokenInvalid
	}
	if now.Unix() >= r.opaqueEnd {
		return 0, ErrTokenExpired
	}
	return r.opaqueEnd, nil
}

// hashToken returns the hash of a token. Its buffer avoids an allocation for tokens of
// the usual length.
func hashToken(token string) tokenHash {
	var room [512]byte
	sum := sha256.Sum256(append(room[:0], token...))
	return tokenHash(sum[:len(tokenHash{})])
}
