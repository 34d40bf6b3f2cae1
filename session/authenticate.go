package session

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// Authenticate tells what a token proves. Errors: ErrTokenInvalid,
// ErrTokenExpired, ErrSessionEnded, ErrUnavailable where Redis had to be asked
// and could not, and the context's own. It counts as a use of the session.
//
// A token seen before costs one hash and one look-up as long as the copy of
// its session is fresh.
func (s *Store) Authenticate(ctx context.Context, token string) (Grant, error) {
	if len(token) > maxToken {
		return Grant{}, ErrTokenInvalid
	}
	now := s.now()
	key := hashToken(token)
	known, ok := s.copies.tokens.GetIfPresent(key)
	if !ok {
		return s.verify(ctx, token, key, now)
	}
	if now.UnixNano() >= known.end*int64(time.Second) {
		return Grant{}, ErrTokenExpired
	}
	if err := s.ensure(ctx, known.copy, now); err != nil {
		return Grant{}, err
	}
	return s.grant(key, known, now), nil
}

// grant hands out what a good token proves, and notes the use.
func (s *Store) grant(key tokenHash, known checked, now time.Time) Grant {
	s.use(known.copy, now)
	return Grant{Session: known.copy.session.Load(), ExpiresAt: time.Unix(known.end, 0), copy: known.copy, token: key}
}

// ensure returns nil when the session may be believed to live: the copy is
// fresh, or Redis says so, or Redis can't be asked and the copy isn't too old.
func (s *Store) ensure(ctx context.Context, l *liveCopy, now time.Time) error {
	if l.is(ended) {
		return ErrSessionEnded
	}
	if s.fresh(l, now) {
		s.metrics.hits.Inc()
		return nil
	}
	a, m, err := s.ask(ctx, l.session.Load().ID, "")
	return s.settle(l, a, m, err, now)
}

// fresh tells whether the copy may be used unasked.
func (s *Store) fresh(l *liveCopy, now time.Time) bool {
	c := s.config.Load()
	at := now.UnixNano()
	return at-l.confirmedAt.Load() < int64(c.CacheTTL) && l.epoch.Load() == s.epoch.Load() && !l.is(again) &&
		at < l.usedAt.Load()+int64(c.IdleTimeout) && now.Before(l.session.Load().EndsAt)
}

// settle takes Redis's answer, or the lack of one, into a copy.
func (s *Store) settle(l *liveCopy, a found, m mark, err error, now time.Time) error {
	switch {
	case err == nil:
		s.metrics.asked.Inc()
		s.copies.confirm(l, a, m)
		return s.alive(l, now)
	case errors.Is(err, ErrUnavailable), errors.Is(err, errLost):
		return s.stale(l, err, now)
	case errors.Is(err, ErrSessionEnded):
		s.finish(l, CauseExpired)
		return ErrSessionEnded
	}
	return err
}

// alive checks what holds whatever Redis says: an ending heard of meanwhile,
// and the absolute end.
func (s *Store) alive(l *liveCopy, now time.Time) error {
	if !l.is(ended) && !now.Before(l.session.Load().EndsAt) {
		s.finish(l, CauseExpired)
	}
	if l.is(ended) {
		return ErrSessionEnded
	}
	return nil
}

// stale lets a session pass for which Redis can't be asked, if it was
// confirmed not too long ago and hasn't run out by what is known here.
func (s *Store) stale(l *liveCopy, err error, now time.Time) error {
	if e := s.alive(l, now); e != nil {
		return e
	}
	c := s.config.Load()
	if now.Sub(time.Unix(0, l.confirmedAt.Load())) >= c.StaleIfError || now.Sub(time.Unix(0, l.usedAt.Load())) >= c.IdleTimeout {
		return err
	}
	s.metrics.stale.Inc()
	return nil
}

// finish ends a copy, once, and cuts what is watched of it.
func (s *Store) finish(l *liveCopy, cause Cause) {
	if l.set(ended) {
		s.cut(l)
		if cause == CauseExpired {
			s.metrics.ended.WithLabelValues(string(cause)).Inc()
		}
	}
}

// verify is for a token not seen before: its signature, then its session.
func (s *Store) verify(ctx context.Context, token string, key tokenHash, now time.Time) (Grant, error) {
	c := s.config.Load()
	p, err := c.tokens.read(token)
	if err != nil {
		return Grant{}, err
	}
	s.metrics.misses.Inc()
	a, m, err := s.ask(ctx, p.sid, p.field)
	if err != nil {
		return s.fallback(p, key, c, err, now)
	}
	end, err := p.proves(a, now)
	if err != nil {
		return Grant{}, err
	}
	l := s.copies.learn(a, m)
	return s.admit(key, checked{l, end, p.key}, c, now)
}

// fallback is for a good token that is new here while Redis is away: a JWT
// needs no more than that its session is known and not too old.
func (s *Store) fallback(p proof, key tokenHash, by *config, err error, now time.Time) (Grant, error) {
	lost := errors.Is(err, errLost)
	if p.claim == nil || !lost && !errors.Is(err, ErrUnavailable) {
		return Grant{}, err
	}
	l := s.copies.held(p.sid)
	if l == nil {
		return Grant{}, err
	}
	end, mismatch := p.proves(found{session: l.session.Load()}, now)
	if mismatch == nil {
		err = s.stale(l, err, now)
	}
	if err != nil {
		s.copies.release(l)
		return Grant{}, err
	}
	return s.admit(key, checked{l, end, p.key}, by, now)
}

// admit keeps a token that was found good, unless it isn't any more by settings
// that have changed meanwhile, and its session if it still lives.
func (s *Store) admit(key tokenHash, known checked, by *config, now time.Time) (Grant, error) {
	s.copies.tokens.Set(key, known)
	if !s.config.Load().tokens.accepts(by.tokens, known.key) {
		s.copies.tokens.Invalidate(key)
	}
	if err := s.alive(known.copy, now); err != nil {
		return Grant{}, err
	}
	return s.grant(key, known, now), nil
}

// proves compares the token with its session, and gives its end in Unix
// seconds. What the token says of the user must be what the session says.
func (p proof) proves(a found, now time.Time) (int64, error) {
	if a.session.ID != p.sid {
		return 0, errMismatch
	}
	if p.claim == nil {
		return opaqueEnd(a, now)
	}
	if p.claim.Subject != a.session.OpenID || p.claim.Audience != a.session.AppID {
		return 0, ErrTokenInvalid
	}
	if !now.Before(p.end) {
		return 0, ErrTokenExpired // within the leeway that only young tokens have
	}
	return p.end.Unix(), nil
}

func opaqueEnd(a found, now time.Time) (int64, error) {
	if a.fieldEnd == 0 {
		return 0, ErrTokenInvalid
	}
	if now.Unix() >= a.fieldEnd {
		return 0, ErrTokenExpired
	}
	return a.fieldEnd, nil
}

// asked is an answer on its way to all who wait for it.
type asked struct {
	found
	mark mark
}

// askTimeout bounds a question that several requests wait for.
const askTimeout = 3 * time.Second

// ask asks Redis for a session, once for all who ask at the same time. A
// caller who goes away doesn't take the answer from the others. Where no copy
// may be believed at all, each asks for himself, since an answer on its way
// may be older than his question.
func (s *Store) ask(ctx context.Context, sid, field string) (found, mark, error) {
	if s.config.Load().CacheTTL == 0 {
		a, err := s.askNow(ctx, sid, field)
		return a.found, a.mark, err
	}
	flight := s.asking.DoChan(sid+field, func() (any, error) {
		own, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
		defer cancel()
		a, err := s.askNow(own, sid, field)
		if own.Err() != nil {
			err = fmt.Errorf("%w: load: no answer in time", ErrUnavailable) // the callers' contexts are their own
		}
		return a, err
	})
	select {
	case <-ctx.Done():
		return found{}, mark{}, ctx.Err()
	case r := <-flight:
		a, _ := r.Val.(asked)
		return a.found, a.mark, r.Err
	}
}

func (s *Store) askNow(ctx context.Context, sid, field string) (asked, error) {
	m := s.copies.mark(sid, s.now(), s.epoch.Load())
	a, err := s.load(ctx, sid, field)
	return asked{a, m}, err
}

// hashToken has room for the usual token on the stack.
func hashToken(token string) tokenHash {
	var room [512]byte
	sum := sha256.Sum256(append(room[:0], token...))
	return tokenHash(sum[:])
}
