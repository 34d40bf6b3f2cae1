package config

import (
	"net/url"
	"time"
)

const (
	defaultShutdownTimeout = Duration(30 * time.Second)
	defaultRouteTimeout    = Duration(30 * time.Second)
)

// Default returns the configuration of an empty file, which lacks secrets, apps
// and routes.
func Default() *Config {
	return &Config{
		Listen:          ":8080",
		AuthPrefix:      "/auth",
		ShutdownDelay:   Duration(3 * time.Second),
		ShutdownTimeout: defaultShutdownTimeout,
		WeChat: WeChat{
			APIBase: URL{&url.URL{Scheme: "https", Host: "api.weixin.qq.com"}},
			Timeout: Duration(5 * time.Second),
		},
		Redis: Redis{KeyPrefix: "wxgate:"},
		Session: Session{
			IdleTimeout:  Duration(168 * time.Hour),
			MaxLifetime:  Duration(2160 * time.Hour),
			CacheSize:    100_000,
			CacheTTL:     Duration(5 * time.Second),
			StaleIfError: Duration(5 * time.Minute),
		},
		Token: Token{
			Format:      "jwt",
			Issuer:      "wxgate",
			TTL:         Duration(2 * time.Hour),
			RenewBefore: Duration(30 * time.Minute),
		},
		Identity: Identity{
			Headers: IdentityHeaders{
				OpenID:  "X-OpenID",
				UnionID: "X-UnionID",
				AppID:   "X-AppID",
				UserID:  "X-User-ID",
				Roles:   "X-User-Roles",
			},
			Assertion: Assertion{TTL: Duration(time.Minute)},
		},
		Web:     Web{MaxAge: Duration(12 * time.Hour)},
		Tracing: Tracing{Protocol: "http/protobuf", Sample: 0.01},
		Hooks:   Hooks{Login: LoginHook{Timeout: Duration(2 * time.Second), OnError: "deny"}},
		Limits: Limits{
			LoginPerIP:        Rate{30, time.Minute},
			AuthPerUser:       Rate{60, time.Minute},
			MaxHeader:         32 * kib,
			MaxBody:           10 * mib,
			ReadHeaderTimeout: Duration(10 * time.Second),
		},
		Admin: Admin{Listen: "127.0.0.1:9090"},
		Log:   Log{Level: "info", Format: "json", Access: true},
	}
}

// setDefaults sets the defaults of an entry of routes.
func (r *Route) setDefaults() {
	*r = Route{
		Auth:    "required",
		Balance: "round_robin",
		Timeout: defaultRouteTimeout,
		Retries: 1,
		Health: Health{
			Interval:  Duration(5 * time.Second),
			Timeout:   Duration(2 * time.Second),
			Healthy:   2,
			Unhealthy: 2,
		},
		Eject:     Eject{Failures: 5, For: Duration(10 * time.Second)},
		Cookies:   "pass",
		WebSocket: true,

		Credentials: []string{CredentialBearer},
		Proof:       proofOff,
		Redirects:   "rewrite",
	}
}

// setDefaults sets the defaults of an entry of apps.
func (a *App) setDefaults() {
	*a = App{
		Push:        Push{Mode: PushAES, Timeout: Duration(4 * time.Second)},
		APISecurity: APISecurity{Algorithms: aes256GCMWithRSA},
	}
}

// setDefaults sets the defaults of an entry of upstreams.
func (u *Upstream) setDefaults() { *u = Upstream{Weight: 1} }

// adjustDefaults lowers the defaults that would contradict a value of the file:
// token.ttl: 10m alone must not make every token due for renewal.
func (c *Config) adjustDefaults(written func(key string) bool) {
	if !written("session.idle_timeout") {
		c.Session.IdleTimeout = min(c.Session.IdleTimeout, c.Session.MaxLifetime)
	}
	if !written("token.renew_before") {
		c.Token.RenewBefore = min(c.Token.RenewBefore, c.Token.TTL/4)
	}
	if !written("shutdown_delay") && len(c.TrustedProxies) == 0 {
		c.ShutdownDelay = 0 // no load balancer has to notice the shutdown first
	}
}
