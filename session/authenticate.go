package session

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"
)

// Authenticate returns what a token proves. Errors: ErrTokenInvalid,
// ErrTokenExpired, ErrSessionEnded, ErrUnavailable where Redis had to be queried
// and could not, and the context's own. It counts as a use of the session.
//
// A token seen before costs one hash and one look-up as long as its session is
// fresh in the cache.
func (s *Store) Authenticate(ctx context.Context, token string) (AuthResult, error) {
	return s.authenticate(ctx, token, hashToken(token), (*tokens).read)
}

// authenticate is for a token whose hash names it among those of all kinds.
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

// authResult is what a valid token proves; it counts as a use.
func (s *Store) authResult(cached cachedToken, now time.Time) AuthResult {
	s.recordUse(cached.session, now)
	return AuthResult{
		Session: cached.session.packed.Load().session(), ExpiresAt: time.Unix(int64(cached.end), 0), cached: cached.session, token: cached.hash,
	}
}

// confirm returns nil when the session counts as alive: it is fresh in the cache, or
// Redis confirms it, or Redis is unreachable and it isn't too old.
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

// fresh reports whether the cached session may be used without a query to Redis.
func (s *Store) isFresh(cs *cachedSession, now time.Time) bool {
	c := s.config.Load()
	at := now.UnixNano()
	return at-cs.confirmedAt.Load() < int64(c.CacheTTL) && cs.epoch.Load() == s.epoch.Load() && !cs.is(stale) &&
		at < cs.usedAt.Load()+int64(c.idleTimeout(cs.packed.Load().isWeb())) && now.Before(cs.packed.Load().ends())
}

// applyReply takes Redis's reply, or the lack of one, into the cache.
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

// alive checks what holds whatever Redis replies: an end that an event reported, and
// the absolute end.
func (s *Store) checkEnded(cs *cachedSession, now time.Time) error {
	if !cs.is(ended) && !now.Before(cs.packed.Load().ends()) {
		s.markEnded(cs, CauseExpired)
	}
	if cs.is(ended) {
		return ErrSessionEnded
	}
	return nil
}

// checkStaleIfError returns nil for a session for which Redis is unreachable, if it was
// confirmed within StaleIfError and hasn't expired by what this instance has; else
// err.
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

// markEnded marks a cached session ended, once, and terminates its watches.
func (s *Store) markEnded(cs *cachedSession, cause Cause) {
	if cs.set(ended) {
		s.terminate(cs)
		if cause == CauseExpired {
			s.metrics.ended.WithLabelValues(string(cause)).Inc()
		}
	}
}

// verify is for a token not seen before: its signature, then its session.
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

// verifyWithoutRedis is for a valid token that is new here while Redis is unreachable: a
// JWT needs no more than that its session is cached and not too old.
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

// cacheVerified caches a token that was found valid, unless a Config that came meanwhile
// no longer accepts it, and returns its result if the session has not ended.
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

// match compares the token with its session, and returns its end in Unix seconds.
// What the token says of the user must be what the session says.
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
		return 0, ErrTokenExpired // within the leeway that only young tokens have
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

// versionedReply is a reply shared by all callers that wait for it.
type versionedReply struct {
	storedSession
	version readVersion
}

const (
	// sharedTimeout bounds a look-up that several requests wait for.
	sharedTimeout = 3 * time.Second

	// cachedTimeout bounds how long a request of a cached session waits: it has
	// StaleIfError to go on with.
	cachedTimeout = 250 * time.Millisecond
)

// errNoReply is returned where Redis takes too long.
var errNoReply = fmt.Errorf("%w: load: no reply in time", ErrUnavailable)

// lookUp queries Redis for a session, once for all concurrent callers, and waits for
// timeout at most. A request of a cached session doesn't wait where another has just run
// into its timeout. The context of one caller doesn't cancel the look-up of the others.
// Where CacheTTL is zero each call is a look-up of its own, since a shared reply may be
// older than the call.
func (s *Store) lookUp(ctx context.Context, sid, field string, timeout time.Duration) (storedSession, readVersion, error) {
	circuit := s.redis.circuitOf(s.keys.sessions(tagOf(sid)))
	if timeout == cachedTimeout && circuit.isSlow() {
		return storedSession{}, readVersion{}, errNoReply
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return storedSession{}, readVersion{}, ctx.Err()
	case <-timer.C:
		circuit.slowUntil.Store(time.Now().Add(redisTimeout).UnixNano())
		return storedSession{}, readVersion{}, errNoReply
	case result := <-s.startLookUp(ctx, sid, field):
		r, _ := result.Val.(versionedReply)
		return r.storedSession, r.version, result.Err
	}
}

func (s *Store) startLookUp(ctx context.Context, sid, field string) <-chan singleflight.Result {
	ask := func() (any, error) {
		own, cancel := context.WithTimeout(context.WithoutCancel(ctx), sharedTimeout)
		defer cancel()
		r, err := s.lookUpUnshared(own, sid, field)
		s.redis.circuitOf(s.keys.sessions(tagOf(sid))).slowUntil.Store(0)
		if own.Err() != nil {
			err = errNoReply // the callers' contexts are their own
		}
		return r, err
	}
	if s.config.Load().CacheTTL > 0 {
		return s.lookUps.DoChan(sid+field, ask)
	}
	result := make(chan singleflight.Result, 1)
	go func() {
		r, err := ask()
		result <- singleflight.Result{Val: r, Err: err}
	}()
	return result
}

func (s *Store) lookUpUnshared(ctx context.Context, sid, field string) (versionedReply, error) {
	v := s.cache.readVersion(sid, s.now(), s.epoch.Load())
	r, err := s.load(ctx, sid, field)
	if err == nil {
		s.signAgain(r.outdated)
		err = s.checkApp(ctx, r)
	}
	return versionedReply{r, v}, err
}

// hashToken has room for the usual token on the stack.
func hashToken(token string) tokenHash {
	var room [512]byte
	sum := sha256.Sum256(append(room[:0], token...))
	return tokenHash(sum[:len(tokenHash{})])
}
