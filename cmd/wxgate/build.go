package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"net/textproto"
	"reflect"
	"slices"
	"strings"

	"wxgate/admin"
	"wxgate/proxy"
	"wxgate/proxy/upstream"
	"wxgate/secret"
	"wxgate/session"
	"wxgate/wechat"
)

// This file turns the config into what the rooms are built from.

func (c *Config) sessionSettings() session.Settings {
	keys := make([]secret.Text, len(c.Secrets))
	for i, k := range c.Secrets {
		keys[i] = k.Raw
	}
	return session.Settings{
		Secrets:      keys,
		IdleTimeout:  c.Session.IdleTimeout.Std(),
		MaxLifetime:  c.Session.MaxLifetime.Std(),
		MaxPerUser:   c.Session.MaxPerUser,
		CacheTTL:     c.Session.CacheTTL.Std(),
		StaleIfError: c.Session.StaleIfError.Std(),
		TokenFormat:  c.Token.Format,
		Issuer:       c.Token.Issuer,
		TokenTTL:     c.Token.TTL.Std(),
		RenewBefore:  c.Token.RenewBefore.Std(),
		AssertionTTL: c.Identity.Assertion.TTL.Std(),
	}
}

func (c *Config) redisOptions() session.RedisOptions {
	r := c.Redis
	return session.RedisOptions{
		Addrs: r.Addrs, Username: r.Username, Password: r.Password, DB: r.DB,
		MasterName: r.MasterName, Cluster: r.Cluster, TLS: r.TLS, KeyPrefix: r.KeyPrefix,
	}
}

func (c *Config) wechatConfig() wechat.Config {
	out := wechat.Config{Base: c.WeChat.APIBase.String(), Timeout: c.WeChat.Timeout.Std()}
	for _, a := range c.Apps {
		out.Apps = append(out.Apps, wechat.App{ID: a.AppID, Secret: a.Secret})
	}
	return out
}

func (c *Config) adminConfig() admin.Config {
	out := admin.Config{Relay: map[string][]string{}}
	for _, t := range c.Admin.Tokens {
		scopes := make([]admin.Scope, len(t.Scopes))
		for i, s := range t.Scopes {
			scopes[i] = admin.Scope(s)
		}
		out.Tokens = append(out.Tokens, admin.Token{Name: t.Name, Token: t.Token, Scopes: scopes})
	}
	for _, a := range c.Apps {
		out.Relay[a.AppID] = a.Relay
	}
	return out
}

// proxyConfig is the public listener's configuration; the routes' upstream
// groups come from group.
func (c *Config) proxyConfig(group func(upstream.Config) (*upstream.Group, error)) (proxy.Config, error) {
	out := proxy.Config{
		AuthPrefix: c.AuthPrefix,
		Identity:   c.proxyIdentity(),
		LoginPerIP: session.Rate(c.Limits.LoginPerIP),
		Hook:       c.loginHook(),
		MaxHeader:  int(c.Limits.MaxHeader),
		Proxies:    proxy.NewProxies(c.trustedPrefixes()),
	}
	for _, a := range c.Apps {
		out.Apps = append(out.Apps, a.AppID)
	}
	for i := range c.Routes {
		rt, err := c.proxyRoute(&c.Routes[i], group)
		if err != nil {
			return out, fmt.Errorf("routes[%d].upstreams: %w", i, err)
		}
		out.Routes = append(out.Routes, rt)
	}
	return out, nil
}

func (c *Config) proxyIdentity() proxy.Identity {
	h := c.Identity.Headers
	return proxy.Identity{
		OpenID: h.OpenID, UnionID: h.UnionID, AppID: h.AppID, UserID: h.UserID, Roles: h.Roles, Phone: h.Phone,
		CloudRun: c.Identity.WXCloudRun, Assertion: c.Identity.Assertion.Header,
	}
}

func (c *Config) trustedPrefixes() []netip.Prefix {
	prefixes := make([]netip.Prefix, len(c.TrustedProxies))
	for i, n := range c.TrustedProxies {
		prefixes[i] = n.Prefix
	}
	return prefixes
}

func (c *Config) loginHook() proxy.Hook {
	h := c.Hooks.Login
	if h.URL.URL == nil {
		return proxy.Hook{}
	}
	return proxy.Hook{URL: h.URL.String(), Timeout: h.Timeout.Std(), AllowOnError: h.OnError == "allow", Client: proxy.NewHookClient()}
}

func (c *Config) proxyRoute(r *Route, group func(upstream.Config) (*upstream.Group, error)) (*proxy.Route, error) {
	config := r.upstreamConfig()
	g, err := group(config)
	if err != nil {
		return nil, err
	}
	maxBody := r.MaxBody
	if maxBody == 0 {
		maxBody = c.Limits.MaxBody
	}
	return &proxy.Route{
		Name: r.Name, Host: r.Host, Path: r.Path, Methods: r.Methods,
		Auth: proxy.Auth(r.Auth), Roles: r.Require.Roles, RequirePhone: r.Require.Phone,
		RateLimit: session.Rate(r.RateLimit), MaxBody: int64(maxBody),
		Upstream: g, Backend: r.backendName(), BackendHost: r.Upstreams[0].URL.Hostname(),
		StripPrefix: r.StripPrefix, AddPrefix: r.AddPrefix, PreserveHost: r.PreserveHost,
		HashByOpenID: config.Balance == upstream.HashOpenID,
		WebSocket:    r.WebSocket, Cookies: proxy.Cookies(r.Cookies), Override: r.MethodOverride,
		CORSOrigins: r.CORS.Origins,
		RequestSet:  revealed(r.RequestHeaders.Set), RequestRemove: canonical(r.RequestHeaders.Remove),
		ResponseSet: revealed(r.ResponseHeaders.Set), ResponseGone: canonical(r.ResponseHeaders.Remove),
	}, nil
}

func (r *Route) upstreamConfig() upstream.Config {
	config := upstream.Config{
		Name: r.Name, Balance: r.Balance, Retries: r.Retries, Timeout: r.Timeout.Std(), PreserveHost: r.PreserveHost,
		Health: upstream.Health{
			Path: r.Health.Path, Interval: r.Health.Interval.Std(), Timeout: r.Health.Timeout.Std(),
			Healthy: r.Health.Healthy, Unhealthy: r.Health.Unhealthy,
		},
		Eject: upstream.Eject{Failures: r.Eject.Failures, For: r.Eject.For.Std()},
	}
	for _, u := range r.Upstreams {
		config.Targets = append(config.Targets, upstream.Target{
			URL: u.URL.URL, Weight: u.Weight,
			CAFile: string(u.CAFile), CertFile: string(u.CertFile), KeyFile: string(u.KeyFile), ServerName: u.ServerName,
		})
	}
	return config
}

// backendName is the same for routes with the same upstreams: they are one
// backend, and share its cookies.
func (r *Route) backendName() string {
	urls := make([]string, len(r.Upstreams))
	for i, u := range r.Upstreams {
		urls[i] = u.URL.String()
	}
	slices.Sort(urls)
	sum := sha256.Sum256([]byte(strings.Join(urls, "\n")))
	return hex.EncodeToString(sum[:8])
}

func revealed(set map[string]secret.Text) map[string]string {
	out := make(map[string]string, len(set))
	for name, value := range set {
		out[textproto.CanonicalMIMEHeaderKey(name)] = value.Reveal()
	}
	return out
}

func canonical(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = textproto.CanonicalMIMEHeaderKey(name)
	}
	return out
}

// groups are the upstream groups in use. A reload keeps those whose
// configuration did not change, with their connections and what they know of
// their targets' health.
type groups struct {
	metrics *upstream.Metrics
	log     *logger
	inUse   []usedGroup
}

type usedGroup struct {
	config upstream.Config
	group  *upstream.Group
}

// generation collects the groups of one configuration.
type generation struct {
	*groups
	next []usedGroup
}

func (g *groups) begin() *generation { return &generation{groups: g} }

// take gives the group for a configuration: the one in use, or a new one.
func (gen *generation) take(c upstream.Config) (*upstream.Group, error) {
	for _, used := range gen.inUse {
		if reflect.DeepEqual(used.config, c) {
			gen.next = append(gen.next, used)
			return used.group, nil
		}
	}
	group, err := upstream.New(c, gen.metrics, gen.log.Logger)
	if err != nil {
		return nil, err
	}
	gen.next = append(gen.next, usedGroup{c, group})
	return group, nil
}

// commit closes the groups that are used no more; requests on their way end
// as they began.
func (gen *generation) commit() {
	closeMissing(gen.inUse, gen.next)
	gen.inUse = gen.next
}

// abandon closes the groups that were made for a configuration that is not
// going to be used.
func (gen *generation) abandon() { closeMissing(gen.next, gen.inUse) }

func closeMissing(from, in []usedGroup) {
	for _, used := range from {
		if !slices.ContainsFunc(in, func(u usedGroup) bool { return u.group == used.group }) {
			used.group.Close()
		}
	}
}
