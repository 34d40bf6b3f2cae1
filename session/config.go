package session

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"wxgate/secret"
)

// Config is the whole configuration of a Store, for Open and Configure.
type Config struct {
	// Only Open reads these: Configure can't change them.
	Redis    RedisConfig
	Now      func() time.Time      // nil: time.Now
	Log      *zap.Logger           // nil: none
	Registry prometheus.Registerer // nil: metrics are not registered

	Apps         []string      // appids; sessions of other apps count as ended
	Secrets      []secret.Text // raw, at least MinSecret bytes each; the first signs and seals, all verify and open
	IdleTimeout  time.Duration // how long after its last use a session ends; 0: 168 hours
	WebIdle      time.Duration // the same for web sessions; 0: 12 hours
	MaxLifetime  time.Duration // how long after its creation a session ends, used or not; 0: 2160 hours
	MaxPerUser   int           // maximum number of sessions of a user; 0: maxSessionsPerUser
	CacheSize    int           // maximum number of tokens that an instance caches with their sessions; 0: 100,000
	CacheTTL     time.Duration // how long a cached session is used without a query to Redis; 0: Redis is queried each time
	StaleIfError time.Duration // how long a cached session is used while Redis is unreachable
	TokenFormat  string        // FormatJWT (also if empty) or FormatOpaque; both are always accepted
	Issuer       string        // of tokens and assertions; empty: wxgate
	TokenTTL     time.Duration // 0: 2 hours
	RenewBefore  time.Duration // remaining lifetime below which a token is due for renewal; 0: never
	AssertionTTL time.Duration // 0: a minute
}

// The token formats.
const (
	FormatJWT    = "jwt"
	FormatOpaque = "opaque"
)

// defaultCacheSize needs less than 30 MB of memory.
const defaultCacheSize = 100_000

// maxSessionsPerUser bounds a user's sessions in any case: each login reads all of
// them.
const maxSessionsPerUser = 1000

// withDefaults replaces zero values by their defaults. Secrets have no default.
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

func orDefault(d, defaultValue time.Duration) time.Duration {
	if d == 0 {
		return defaultValue
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

// maxPerUser returns the maximum number of sessions of a user.
func (c Config) maxPerUser() int {
	if c.MaxPerUser == 0 {
		return maxSessionsPerUser
	}
	return min(c.MaxPerUser, maxSessionsPerUser)
}

// idleTimeout returns how long after its last use a session ends, for a web session or
// a mini program's.
func (c Config) idleTimeout(web bool) time.Duration {
	if web {
		return min(c.WebIdle, c.IdleTimeout)
	}
	return c.IdleTimeout
}

// touchInterval returns the minimum time between two writes of a session's last use.
func (c Config) touchInterval() time.Duration { return min(time.Minute, c.IdleTimeout/4, c.WebIdle/4) }

// activeConfig is the current Config with everything derived from it. It is replaced
// as a whole.
type activeConfig struct {
	Config
	keys   keyring
	tokens *tokens
	jwks   []byte
}

// newActiveConfig derives the keys of a Config whose defaults are filled in.
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
