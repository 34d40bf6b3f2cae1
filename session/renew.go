package session

import (
	"context"
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"
)

// An instance renews a session's token at most once in renewalPause, or in a tenth of
// TokenTTL if that is less. All requests that find it due in that time get the same new
// token. Otherwise a burst of requests would exceed maxOpaqueTokens, and the tokens that
// some of them just received would be removed.
const (
	renewalPause      = 10 * time.Second
	maxCachedRenewals = 10_000
	maxOpaqueTokens   = 16 // opaque ones that are valid at the same time in a session
)

type renewals struct {
	recent *otter.Cache[string, renewal]
	calls  singleflight.Group
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

// NeedsRenewal reports whether the token's remaining lifetime is below RenewBefore and
// a new token would be valid longer.
func (s *Store) NeedsRenewal(auth AuthResult) bool {
	if auth.Session.Web != nil { // a cookie is valid as long as its session
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

// Renew returns a new token for the session. The old token stays valid until its end,
// and so do the new tokens of concurrent requests. What watches the session, on any
// instance, is not terminated.
func (s *Store) Renew(ctx context.Context, auth AuthResult) (Token, error) {
	sid := auth.Session.ID
	if auth.cached.is(ended) {
		return Token{}, ErrSessionEnded
	}
	if token, ok := s.lastRenewal(auth); ok {
		return token, nil
	}
	result := s.renewals.calls.DoChan(sid, func() (any, error) {
		renewCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sharedTimeout)
		defer cancel()
		if token, ok := s.lastRenewal(auth); ok { // of a call that has just ended
			return token, nil
		}
		return s.renew(renewCtx, &auth.Session)
	})
	select {
	case <-ctx.Done():
		return Token{}, ctx.Err()
	case r := <-result:
		token, _ := r.Val.(Token)
		return token, r.Err
	}
}

// lastRenewal returns the token that the session got within renewalPause. It doesn't
// return it to a request that presents that very token.
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
