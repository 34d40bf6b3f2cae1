// Package ratelimit holds callers to a rate, counted in the session store so
// that all instances count together.
package ratelimit

import (
	"context"
	"net/netip"

	"wxgate/apierror"
	"wxgate/session"
)

// Allow gives a rate_limited error where key has used up its rate; a rate of
// zero is no limit.
func Allow(ctx context.Context, sessions *session.Store, key string, rate session.Rate) error {
	if rate.Count == 0 {
		return nil
	}
	wait, ok := sessions.Allow(ctx, key, rate)
	if ok {
		return nil
	}
	return apierror.From(&session.LimitedError{RetryAfter: wait})
}

// Address is the key of what counts as one address: an IPv6 client has its
// whole /64. The zero Addr (a unix socket) is one address too.
func Address(a netip.Addr) string {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// User is the key of one user of one app.
func User(s *session.Session) string { return s.AppID + ":" + s.OpenID }
