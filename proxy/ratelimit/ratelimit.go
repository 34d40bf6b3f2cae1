// Package ratelimit limits the rate of requests per key. The session store counts them, so
// that the limits apply across all instances.
package ratelimit

import (
	"context"
	"net/netip"

	"wxgate/apierror"
	"wxgate/session"
)

// Allow counts one request for key. It returns a rate_limited error with Retry-After if
// the key has exceeded its rate. A zero rate is no limit.
func Allow(ctx context.Context, sessions *session.Store, key string, rate session.Rate) error {
	if rate.Count == 0 {
		return nil
	}
	retryAfter, ok := sessions.Allow(ctx, key, rate)
	if ok {
		return nil
	}
	return apierror.From(&session.LimitedError{RetryAfter: retryAfter})
}

// Address returns the key of a client address. IPv6 addresses are limited by /64, which is
// what one client usually has. The zero Addr (a unix socket) has a key of its own.
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

// User returns the key of the session's user in its app.
func User(s *session.Session) string { return s.AppID + ":" + s.OpenID }
