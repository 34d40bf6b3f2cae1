package config

import (
	"slices"
	"testing"
	"time"
)

func TestTheShippedConfigHasTheDefaults(t *testing.T) {
	t.Parallel()
	got, err := Load(shippedConfig, shippedEnvironment())
	if err != nil {
		t.Fatal(err)
	}
	var warned []string
	for _, w := range got.Warnings {
		warned = append(warned, w.Key)
	}
	if want := []string{"listen", "redis.addrs"}; !slices.Equal(warned, want) {
		t.Errorf("want warnings of %v, got %v", want, got.Warnings)
	}
	minimal, err := Parse(shippedConfig, []byte("secrets: ['${WXGATE_SECRET}']\n"+
		"apps: [{appid: '${WECHAT_APPID}', secret: '${WECHAT_SECRET}'}]\n"+
		"routes: [{path: /api/, upstreams: ['http://127.0.0.1:3000']}]\n"), shippedEnvironment())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := effective(t, got), effective(t, minimal); got != want {
		t.Errorf("the shipped config is\n%s\nand one without any option\n%s", got, want)
	}
}

func TestDefaultsAreThoseOfTheReference(t *testing.T) {
	t.Parallel()
	c, err := parse(t, withRequiredKeys(""))
	if err != nil {
		t.Fatal(err)
	}
	route := c.Routes[0]
	for name, ok := range map[string]bool{
		"listen":                     c.Listen == ":8080",
		"auth_prefix":                c.AuthPrefix == "/auth",
		"shutdown_timeout":           c.ShutdownTimeout.Std() == 30*time.Second,
		"wechat":                     c.WeChat.APIBase.String() == "https://api.weixin.qq.com" && c.WeChat.Timeout.Std() == 5*time.Second,
		"redis":                      len(c.Redis.Addrs) == 0 && c.Redis.KeyPrefix == "wxgate:",
		"session.idle_timeout":       c.Session.IdleTimeout.Std() == 168*time.Hour,
		"session.max_lifetime":       c.Session.MaxLifetime.Std() == 2160*time.Hour,
		"session.cache_ttl":          c.Session.CacheTTL.Std() == 5*time.Second,
		"session.stale_if_error":     c.Session.StaleIfError.Std() == 5*time.Minute,
		"token":                      c.Token == Token{"jwt", "wxgate", Duration(2 * time.Hour), Duration(30 * time.Minute)},
		"identity.headers":           c.Identity.Headers == IdentityHeaders{"X-OpenID", "X-UnionID", "X-AppID", "X-User-ID", "X-User-Roles", ""},
		"identity.assertion":         c.Identity.Assertion == Assertion{"", Duration(time.Minute)},
		"hooks.login":                c.Hooks.Login == LoginHook{MaskedURL{}, Duration(2 * time.Second), "deny"},
		"limits":                     c.Limits == Limits{Rate{30, time.Minute}, Rate{60, time.Minute}, 0, 32 << 10, 10 << 20, Duration(10 * time.Second)},
		"admin.listen":               c.Admin.Listen == "127.0.0.1:9090",
		"shutdown_delay":             c.ShutdownDelay == 0,
		"session.cache_size":         c.Session.CacheSize == 100_000,
		"web":                        c.Web.Cookie == "" && c.Web.MaxAge.Std() == 12*time.Hour && len(c.Web.Origins)+len(c.PublicOrigins) == 0,
		"tracing":                    c.Tracing.Endpoint.URL == nil && c.Tracing.Protocol == "http/protobuf" && c.Tracing.Sample == 0.01,
		"apps[0].push":               c.Apps[0].Push == Push{Mode: "aes", Timeout: Duration(4 * time.Second)},
		"apps[0].api_security":       len(c.Apps[0].APISecurity.Paths) == 0 && c.Apps[0].APISecurity.Algorithms == "aes256_gcm+rsa",
		"routes[0].credentials":      slices.Equal(route.Credentials, []string{"bearer"}),
		"routes[0].proof":            route.Proof == "off" && !route.UnsignedUploads,
		"routes[0].redirects":        route.Redirects == "rewrite",
		"log":                        c.Log == Log{"info", "json", true},
		"routes[0].name":             route.Name == "/api/",
		"routes[0].auth":             route.Auth == "required",
		"routes[0].upstreams":        len(route.Upstreams) == 1 && route.Upstreams[0].Weight == 1 && route.Upstreams[0].URL.Host == "127.0.0.1:3000",
		"routes[0].balance":          route.Balance == "round_robin",
		"routes[0].timeout":          route.Timeout.Std() == 30*time.Second,
		"routes[0].retries":          route.Retries == 1,
		"routes[0].health":           route.Health == Health{"", Duration(5 * time.Second), Duration(2 * time.Second), 2, 2},
		"routes[0].eject":            route.Eject == Eject{5, Duration(10 * time.Second)},
		"routes[0].cookies":          route.Cookies == "pass",
		"routes[0].websocket":        route.WebSocket,
		"routes[0].max_body":         route.MaxBody == 0,
		"routes[0].rate_limit":       route.RateLimit == Rate{},
		"routes[0].method_override":  !route.MethodOverride && !route.PreserveHost,
		"routes[0].request_headers":  len(route.RequestHeaders.Set)+len(route.RequestHeaders.Remove) == 0,
		"routes[0].response_headers": len(route.ResponseHeaders.Set)+len(route.ResponseHeaders.Remove) == 0,
	} {
		if !ok {
			t.Errorf("the default of %s is not that of the reference", name)
		}
	}
}

// A default that would contradict a value of the file is lowered.
func TestDefaultsDoNotContradictTheFile(t *testing.T) {
	t.Parallel()
	c, err := parse(t, withRequiredKeys("token: {ttl: 20m}\nsession: {max_lifetime: 1h}"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Token.RenewBefore.Std() != 5*time.Minute || c.Session.IdleTimeout.Std() != time.Hour {
		t.Errorf("renew_before %v, idle_timeout %v", c.Token.RenewBefore, c.Session.IdleTimeout)
	}
}

// The delay lets load balancers notice the shutdown. Without any in front, the
// gateway stops accepting connections at once.
func TestShutdownIsDelayedOnlyBehindProxies(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"":                              0,
		"trusted_proxies: [10.0.0.0/8]": 3 * time.Second,
		"trusted_proxies: [10.0.0.0/8]\nshutdown_delay: 1s": time.Second,
		"shutdown_delay: 2s": 2 * time.Second,
	} {
		c, err := parse(t, withRequiredKeys(text))
		if err != nil || c.ShutdownDelay.Std() != want {
			t.Errorf("%q: %v, %v", text, c.ShutdownDelay, err)
		}
	}
}
