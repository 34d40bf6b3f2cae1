package session

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"wxgate/secret"
)

// Config is all that a Store is made of. Open and Configure take it whole.
type Config struct {
	// What Open alone reads: it stays for the life of a Store.
	Redis    RedisConfig
	Now      func() time.Time      // nil: time.Now
	Log      *zap.Logger           // nil: none
	Registry prometheus.Registerer // nil: metrics are counted and shown nowhere

	Apps         []string      // appids: sessions of other apps are refused like ended ones
	Secrets      []secret.Text // raw bytes, MinSecret at least; the first signs and seals, all verify and open
	IdleTimeout  time.Duration // a session unused for so long ends; 0: 168 hours
	WebIdle      time.Duration // the same of a web page's session; 0: 12 hours
	MaxLifetime  time.Duration // and in any case after so long; 0: 2160 hours
	MaxPerUser   int           // sessions of one user; 0: any number up to maxSessionsPerUser
	CacheSize    int           // sessions that an instance caches, by their tokens; 0: 100,000
	CacheTTL     time.Duration // how long a cached session is used without a query to Redis; 0: Redis is queried each time
	StaleIfError time.Duration // how long a cached session is used while Redis is unreachable
	TokenFormat  string        // FormatJWT (also if empty) or FormatOpaque; both are always accepted
	Issuer       string        // of tokens and assertions; empty: wxgate
	TokenTTL     time.Duration // 0: 2 hours
	RenewBefore  time.Duration // with less left, a token is due for renewal; 0: never
	AssertionTTL time.Duration // 0: a minute
}

// The token formats.
const (
	FormatJWT    = "jwt"
	FormatOpaque = "opaque"
)

// defaultCacheSize takes under 30 MB.
const defaultCacheSize = 100_000

// maxSessionsPerUser bounds a user's sessions where MaxPerUser doesn't, since
// each login looks through them.
const maxSessionsPerUser = 1000

// withDefaults fills in what is zero and can't be. Secrets have no default.
func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	c.IdleTimeout = orDefault(c.IdleTimeout, 168*time.Hour)
	c.WebIdle = orDefault(c.WebIdle, 12*time.Hour)
	c.MaxLifetime = orDefault(c.MaxLifetime, 2160*time.Hour)
	c.TokenTTL = orDefault(c.TokenTTL, 2*time.Hour)
	c.AssertionTTL = orDefault(c.AssertionTTL, time.Minute)
	if c.CacheSize == 0 {
		c.CacheSize = defaultCacheSize
	}
	if c.TokenFormat == "" {
		c.TokenFormat = FormatJWT
	}
	if c.Issuer == "" {
		c.Issuer = "wxgate"
	}
	return c
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

func (c Config) validate() error {
	for _, d := range []time.Duration{c.IdleTimeout, c.WebIdle, c.MaxLifetime, c.CacheTTL, c.StaleIfError, c.TokenTTL, c.RenewBefore, c.AssertionTTL} {
		if d < 0 {
			return errors.New("a duration is negative")
		}
	}
	if len(c.Apps) == 0 {
		return errors.New("no app is given")
	}
	if c.MaxPerUser < 0 || c.CacheSize < 0 {
		return errors.New("a number of sessions is negative")
	}
	if c.TokenFormat != FormatJWT && c.TokenFormat != FormatOpaque {
		return fmt.Errorf("token format %q is neither %s nor %s", c.TokenFormat, FormatJWT, FormatOpaque)
	}
	return nil
}

// maxPerUser is the most sessions a user may have.
func (c Config) maxPerUser() int {
	if c.MaxPerUser == 0 {
		return maxSessionsPerUser
	}
	return min(c.MaxPerUser, maxSessionsPerUser)
}

// idle is after how long without a use a session ends: a mini program's, or a web page's.
func (c Config) idleTimeout(web bool) time.Duration {
	if web {
		return min(c.WebIdle, c.IdleTimeout)
	}
	return c.IdleTimeout
}

// touchInterval is how far apart the writes of a session's last use are.
func (c Config) touchInterval() time.Duration { return min(time.Minute, c.IdleTimeout/4, c.WebIdle/4) }

// activeConfig is a Config in force with all that is derived from it. It is
// replaced whole.
type activeConfig struct {
	Config
	keys   keyring
	tokens *tokens
	jwks   []byte
}

// newActiveConfig takes a Config with its defaults filled in.
func newActiveConfig(c Config, now func() time.Time) (*activeConfig, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("session config: %w", err)
	}
	ring, err := newKeyring(c.Secrets)
	if err != nil {
		return nil, fmt.Errorf("session config: %w", err)
	}
	jwks, err := publicKeys(ring)
	if err != nil {
		return nil, fmt.Errorf("session config: %w", err)
	}
	return &activeConfig{Config: c, keys: ring, tokens: newTokens(ring, c.Issuer, now), jwks: jwks}, nil
}
