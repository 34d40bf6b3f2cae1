package session

import (
	"context"
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"
)

// A session's token is renewed once in renewalPause by an instance, or in a
// tenth of its life where that is less, however many requests find it due:
// they all get the same one. So no burst of requests pushes out the opaque
// tokens that others of it have just received.
const (
	renewalPause      = 10 * time.Second
	maxCachedRenewals = 10_000
	maxOpaqueTokens   = 16 // opaque ones that are valid at the same time in a session
)

type renewals struct {
	recent *otter.Cache[string, renewal]
	flight singleflight.Group
}

type renewal struct {
	token Token
	at    time.Time
	end   time.Time
}

func newRenewals() *renewals {
	return &renewals{recent: otter.Must(&otter.Options[string, renewal]{MaximumSize: maxCachedRenewals})}
}

func (r *renewals) clear() { r.recent.InvalidateAll() }

// NeedsRenewal reports whether less than RenewBefore is left of the token and a
// fresh one would be valid longer.
func (s *Store) NeedsRenewal(auth AuthResult) bool {
	if auth.Session.Web != nil { // a cookie is good as long as its session
		return false
	}
	c, now := s.config.Load(), s.now()
	if auth.ExpiresAt.Add(-time.Second).Sub(now) >= c.RenewBefore { // a token's end was rounded up
		return false
	}
	next := now.Add(c.TokenTTL)
	if next.After(auth.Session.EndsAt) {
		next = auth.Session.EndsAt
	}
	return next.Sub(auth.ExpiresAt) > time.Second
}

// Renew returns a fresh token for the session; the old one stays good until its
// own end, and so do those that other requests were given at the same time.
// Watched requests of the session go on, on every instance.
func (s *Store) Renew(ctx context.Context, auth AuthResult) (Token, error) {
	sid := auth.Session.ID
	if auth.cached.is(ended) {
		return Token{}, ErrSessionEnded
	}
	if token, ok := s.lastRenewal(auth); ok {
		return token, nil
	}
	flight := s.renewals.flight.DoChan(sid, func() (any, error) {
		own, cancel := context.WithTimeout(context.WithoutCancel(ctx), sharedTimeout)
		defer cancel()
		if token, ok := s.lastRenewal(auth); ok { // of a flight that has just landed
			return token, nil
		}
		return s.renew(own, &auth.Session)
	})
	select {
	case <-ctx.Done():
		return Token{}, ctx.Err()
	case r := <-flight:
		token, _ := r.Val.(Token)
		return token, r.Err
	}
}

// lastRenewal is the token that the session was given a moment ago, for every
// request but one that comes with that very token.
func (s *Store) lastRenewal(auth AuthResult) (Token, bool) {
	now, pause := s.now(), min(renewalPause, s.config.Load().TokenTTL/10)
	last, ok := s.renewals.recent.GetIfPresent(auth.Session.ID)
	if !ok || now.Sub(last.at) >= pause || auth.token == hashToken(last.token.Value.Reveal()) {
		return Token{}, false
	}
	t := last.token
	t.ExpiresIn = min(t.ExpiresIn, last.end.Sub(now))
	return t, true
}

func (s *Store) renew(ctx context.Context, session *Session) (Token, error) {
	c, now := s.config.Load(), s.now()
	token, opaque, end, err := c.issue(session, now)
	if err != nil {
		return Token{}, err
	}
	sid, tag, raw := session.ID, tagOf(session.ID), rawOf(session.ID)
	record := ""
	if opaque != "" {
		record = c.keys.signField(s.keys.sessions(tag), raw+opaque, decimal(end.Unix()))
	}
	result, err := s.redis.run(ctx, renewTokenScript, []string{s.keys.sessions(tag), s.keys.user(tag)},
		raw, end.Unix(), opaque, record, maxOpaqueTokens)
	if err != nil {
		return Token{}, err
	}
	switch result {
	case "done":
		s.publish(ctx, fmt.Sprintf("%s %s %d", eventRenewed, sid, end.Unix()))
		s.metrics.renewals.Inc()
		s.renewals.recent.Set(sid, renewal{token, now, end})
		return token, nil
	case "ended":
		s.applyEvent(eventEnded + " " + sid)
		return Token{}, ErrSessionEnded
	}
	return Token{}, fmt.Errorf("%w: renew: the store has lost its data", ErrUnavailable)
}
