package session

import (
	"errors"
	"fmt"
	"time"

	"wxgate/secret"
)

// Settings are what a reload may change.
type Settings struct {
	Secrets      []secret.Text // raw bytes, MinSecret at least; the first signs and seals, all verify and open
	IdleTimeout  time.Duration // a session unused for so long ends
	MaxLifetime  time.Duration // and in any case after so long
	MaxPerUser   int           // sessions of one user; 0: any number up to mostSessions
	CacheTTL     time.Duration // how long a copy is believed unasked; 0: Redis is asked each time
	StaleIfError time.Duration // how long a copy is believed while Redis can't be asked
	TokenFormat  string        // FormatJWT or FormatOpaque; both are always accepted
	Issuer       string        // of tokens and assertions
	TokenTTL     time.Duration
	RenewBefore  time.Duration // with less left, a token is due for renewal
	AssertionTTL time.Duration
}

// The token formats.
const (
	FormatJWT    = "jwt"
	FormatOpaque = "opaque"
)

// mostSessions bounds a user's sessions where MaxPerUser doesn't, since each
// login looks through them.
const mostSessions = 1000

// withDefaults fills in what is zero and can't be: 0 means 0 for CacheTTL,
// StaleIfError, RenewBefore and MaxPerUser. Secrets have no default.
func (s Settings) withDefaults() Settings {
	s.IdleTimeout = orDefault(s.IdleTimeout, 168*time.Hour)
	s.MaxLifetime = orDefault(s.MaxLifetime, 2160*time.Hour)
	s.TokenTTL = orDefault(s.TokenTTL, 2*time.Hour)
	s.AssertionTTL = orDefault(s.AssertionTTL, time.Minute)
	if s.TokenFormat == "" {
		s.TokenFormat = FormatJWT
	}
	if s.Issuer == "" {
		s.Issuer = "wxgate"
	}
	return s
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

func (s Settings) check() error {
	for _, d := range []time.Duration{s.IdleTimeout, s.MaxLifetime, s.CacheTTL, s.StaleIfError, s.TokenTTL, s.RenewBefore, s.AssertionTTL} {
		if d < 0 {
			return errors.New("a duration is negative")
		}
	}
	if s.MaxPerUser < 0 {
		return errors.New("the number of sessions of a user is negative")
	}
	if s.TokenFormat != FormatJWT && s.TokenFormat != FormatOpaque {
		return fmt.Errorf("token format %q is neither %s nor %s", s.TokenFormat, FormatJWT, FormatOpaque)
	}
	return nil
}

// perUser is the most sessions a user may have.
func (s Settings) perUser() int {
	if s.MaxPerUser == 0 {
		return mostSessions
	}
	return min(s.MaxPerUser, mostSessions)
}

// touchEvery is how far apart the writes of a session's last use are.
func (s Settings) touchEvery() time.Duration { return min(time.Minute, s.IdleTimeout/4) }

// config is one state of the settings with all that follows from them. It is
// replaced whole.
type config struct {
	Settings
	keys   keyring
	tokens *tokens
	jwks   []byte
}

func newConfig(s Settings, now func() time.Time) (*config, error) {
	s = s.withDefaults()
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("session settings: %w", err)
	}
	ring, err := newKeyring(s.Secrets)
	if err != nil {
		return nil, fmt.Errorf("session settings: %w", err)
	}
	jwks, err := publicKeys(ring)
	if err != nil {
		return nil, fmt.Errorf("session settings: %w", err)
	}
	return &config{Settings: s, keys: ring, tokens: newTokens(ring, s.Issuer, now), jwks: jwks}, nil
}
