package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"wxgate/admin"
	"wxgate/internal/config"
	"wxgate/internal/httprule"
	"wxgate/internal/tracing"
	"wxgate/proxy"
	"wxgate/proxy/endpoint"
	"wxgate/proxy/upstream"
	"wxgate/proxy/websession"
	"wxgate/secret"
	"wxgate/session"
	"wxgate/wechat"
)

// This file turns what internal/config read into the packages' own Configs.

func sessionConfig(c *config.Config) session.Config {
	keys := make([]secret.Text, len(c.Secrets))
	for i, k := range c.Secrets {
		keys[i] = k.Raw
	}
	return session.Config{
		Redis:        redisConfig(c),
		Apps:         appIDs(c),
		Secrets:      keys,
		IdleTimeout:  c.Session.IdleTimeout.Std(),
		WebIdle:      c.Web.MaxAge.Std(),
		MaxLifetime:  c.Session.MaxLifetime.Std(),
		MaxPerUser:   c.Session.MaxPerUser,
		CacheSize:    c.Session.CacheSize,
		CacheTTL:     c.Session.CacheTTL.Std(),
		StaleIfError: c.Session.StaleIfError.Std(),
		TokenFormat:  c.Token.Format,
		Issuer:       c.Token.Issuer,
		TokenTTL:     c.Token.TTL.Std(),
		RenewBefore:  c.Token.RenewBefore.Std(),
		AssertionTTL: c.Identity.Assertion.TTL.Std(),
	}
}

func appIDs(c *config.Config) []string {
	ids := make([]string, len(c.Apps))
	for i, a := range c.Apps {
		ids[i] = a.AppID
	}
	return ids
}

func redisConfig(c *config.Config) session.RedisConfig {
	r := c.Redis
	return session.RedisConfig{
		Addrs: addresses(r.Addrs), Username: r.Username, Password: r.Password, DB: r.DB,
		MasterName: r.MasterName, SentinelUsername: r.SentinelUsername, SentinelPassword: r.SentinelPassword, Cluster: r.Cluster, TLS: r.TLS, KeyPrefix: r.KeyPrefix,
	}
}

func wechatConfig(c *config.Config) wechat.Config {
	out := wechat.Config{Base: c.WeChat.APIBase.String(), Timeout: c.WeChat.Timeout.Std()}
	for _, a := range c.Apps {
		out.Apps = append(out.Apps, wechat.App{ID: a.AppID, Secret: a.Secret, Security: apiSecurity(a.APISecurity)})
	}
	return out
}

func apiSecurity(c config.APISecurity) *wechat.APISecurity {
	if len(c.Paths) == 0 {
		return nil
	}
	out := &wechat.APISecurity{
		Paths: c.Paths, Algorithms: c.Algorithms, KeySN: c.KeySN, Key: c.Key, PrivateKey: c.PrivateKey,
	}
	for _, p := range c.PlatformCerts {
		out.PlatformCerts = append(out.PlatformCerts, wechat.PlatformCert{SN: p.SN, PEM: p.Cert})
	}
	return out
}

func adminConfig(c *config.Config) admin.Config {
	out := admin.Config{Relay: map[string][]string{}}
	for _, t := range c.Admin.Tokens {
		scopes := make([]admin.Scope, len(t.Scopes))
		for i, s := range t.Scopes {
			scopes[i] = admin.Scope(s)
		}
		out.Tokens = append(out.Tokens, admin.Token{Name: t.Name, Token: t.Token, Scopes: scopes, Apps: t.Apps})
	}
	for _, a := range c.Apps {
		out.Relay[a.AppID] = a.Relay
	}
	return out
}

// proxyConfig is the public listener's configuration; the routes' upstream
// groups come from group.
func proxyConfig(c *config.Config, group func(upstream.Config) (*upstream.Group, error)) (proxy.Config, error) {
	endpoints, err := endpointConfig(c)
	if err != nil {
		return proxy.Config{}, err
	}
	out := proxy.Config{
		Endpoints:      endpoints,
		Identity:       proxyIdentity(c),
		MaxHeader:      int(c.Limits.MaxHeader),
		LogAccess:      c.Log.Access,
		TrustedProxies: trustedPrefixes(c),

		PublicOrigins: origins(c.PublicOrigins),
		Web:           proxy.Web{Cookie: webCookie(c), MaxAge: c.Web.MaxAge.Std(), Origins: origins(c.Web.Origins)},
	}
	for i := range c.Routes {
		rt, err := proxyRoute(c, &c.Routes[i], group)
		if err != nil {
			return out, fmt.Errorf("routes[%d].upstreams: %w", i, err)
		}
		out.Routes = append(out.Routes, rt)
	}
	return out, nil
}

func endpointConfig(c *config.Config) (endpoint.Config, error) {
	out := endpoint.Config{
		Prefix:     c.AuthPrefix,
		LoginPerIP: session.Rate(c.Limits.LoginPerIP),
		PerUser:    session.Rate(c.Limits.AuthPerUser),
		Hook:       loginHook(c),
		Web:        endpoint.Web{Cookie: webCookie(c), MaxAge: c.Web.MaxAge.Std()},
	}
	out.Prefetches = map[string]secret.Text{}
	for _, a := range c.Apps {
		out.Apps = append(out.Apps, a.AppID)
		if a.Prefetch.Key != "" {
			out.Prefetches[a.AppID] = a.Prefetch.Key
		}
	}
	var err error
	out.Pushes, err = pushes(c)
	return out, err
}

// pushes are the apps whose message push is on.
func pushes(c *config.Config) (map[string]endpoint.Push, error) {
	out := map[string]endpoint.Push{}
	for i, a := range c.Apps {
		if a.Push.Upstream.URL == nil {
			continue
		}
		verifier, err := wechat.NewPush(wechat.PushConfig{
			AppID: a.AppID, Token: a.Push.Token, AESKey: a.Push.AESKey, Plain: a.Push.Mode == config.PushPlain,
		})
		if err != nil {
			return nil, fmt.Errorf("apps[%d].push: %w", i, err)
		}
		out[a.AppID] = endpoint.Push{
			Verifier: verifier, Upstream: a.Push.Upstream.URL.String(), Timeout: a.Push.Timeout.Std(), Client: endpoint.NewBackendClient(),
			AppIDHeader: cmp.Or(c.Identity.Headers.AppID, "X-AppID"), OpenIDHeader: cmp.Or(c.Identity.Headers.OpenID, "X-OpenID"),
			AssertionHeader: c.Identity.Assertion.Header,
		}
	}
	return out, nil
}

func proxyIdentity(c *config.Config) proxy.Identity {
	h := c.Identity.Headers
	return proxy.Identity{
		OpenID: h.OpenID, UnionID: h.UnionID, AppID: h.AppID, UserID: h.UserID, Roles: h.Roles, Phone: h.Phone,
		CloudRun: c.Identity.WXCloudRun, Assertion: c.Identity.Assertion.Header,
	}
}

func tracingConfig(c *config.Config, log *logger, reg prometheus.Registerer) tracing.Config {
	out := tracing.Config{
		Protocol: c.Tracing.Protocol, Sample: float64(c.Tracing.Sample), Headers: c.Tracing.Headers,
		Version: currentBuild().Version, Registry: reg, Log: log.Named("tracing"),
	}
	if c.Tracing.Endpoint.URL != nil {
		out.Endpoint = c.Tracing.Endpoint.String()
	}
	return out
}

// webCookie is the cookie of web pages. A configuration file has __Host- names
// only; the one of the development server works without TLS.
func webCookie(c *config.Config) websession.Cookie {
	return websession.Cookie{Name: c.Web.Cookie, Insecure: !strings.HasPrefix(c.Web.Cookie, "__Host-")}
}

func origins(list []config.Origin) []httprule.Origin {
	out := make([]httprule.Origin, len(list))
	for i, o := range list {
		out[i] = o.Origin
	}
	return out
}

func trustedPrefixes(c *config.Config) []netip.Prefix {
	prefixes := make([]netip.Prefix, len(c.TrustedProxies))
	for i, n := range c.TrustedProxies {
		prefixes[i] = n.Prefix
	}
	return prefixes
}

func loginHook(c *config.Config) endpoint.Hook {
	h := c.Hooks.Login
	if h.URL.URL == nil {
		return endpoint.Hook{}
	}
	return endpoint.Hook{URL: h.URL.String(), Timeout: h.Timeout.Std(), AllowOnError: h.OnError == "allow", Client: endpoint.NewBackendClient()}
}

func proxyRoute(c *config.Config, r *config.Route, group func(upstream.Config) (*upstream.Group, error)) (*proxy.Route, error) {
	uc := upstreamConfig(r)
	g, err := group(uc)
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
		Upstream: g, CookieJarID: backendName(r), BackendURLs: backendURLs(r), Timeout: uc.Timeout, RewriteRedirects: r.Redirects == "rewrite",
		StripPrefix: r.StripPrefix, AddPrefix: r.AddPrefix, PreserveHost: r.PreserveHost,
		HashByOpenID: uc.Balance == upstream.HashOpenID,
		WebSocket:    r.WebSocket && supportUpgrade(uc.Targets), Cookies: proxy.Cookies(r.Cookies), MethodOverride: r.MethodOverride,
		AcceptCookie: slices.Contains(r.Credentials, config.CredentialCookie),
		Proof:        proxy.ProofMode(r.Proof), UnsignedUploads: r.UnsignedUploads,
		CORSOrigins: r.CORS.Origins,
		RequestSet:  revealed(r.RequestHeaders.Set), RequestRemove: canonical(r.RequestHeaders.Remove),
		ResponseSet: revealed(r.ResponseHeaders.Set), ResponseRemove: canonical(r.ResponseHeaders.Remove),
	}, nil
}

// supportUpgrade reports whether a WebSocket can go to any of the targets.
func supportUpgrade(targets []upstream.Target) bool {
	return !slices.ContainsFunc(targets, func(t upstream.Target) bool { return !t.SupportsUpgrade() })
}

func upstreamConfig(r *config.Route) upstream.Config {
	uc := upstream.Config{
		Name: r.Name, Balance: r.Balance, Retries: r.Retries, Timeout: r.Timeout.Std(), PreserveHost: r.PreserveHost,
		Health: upstream.Health{
			Path: r.Health.Path, Interval: r.Health.Interval.Std(), Timeout: r.Health.Timeout.Std(),
			Healthy: r.Health.Healthy, Unhealthy: r.Health.Unhealthy,
		},
		Eject: upstream.Eject{Failures: r.Eject.Failures, For: r.Eject.For.Std()},
	}
	for _, u := range r.Upstreams {
		uc.Targets = append(uc.Targets, upstream.Target{
			URL: u.URL.URL, Weight: u.Weight,
			CAFile: string(u.CAFile), CertFile: string(u.CertFile), KeyFile: string(u.KeyFile), ServerName: u.ServerName,
		})
	}
	return uc
}

// backendName is the same for routes with the same upstreams: they are one
// backend, and share its cookies.
func backendName(r *config.Route) string {
	urls := make([]string, len(r.Upstreams))
	for i, u := range r.Upstreams {
		urls[i] = u.URL.String()
	}
	slices.Sort(urls)
	sum := sha256.Sum256([]byte(strings.Join(urls, "\n")))
	return hex.EncodeToString(sum[:8])
}

func backendURLs(r *config.Route) []*url.URL {
	urls := make([]*url.URL, len(r.Upstreams))
	for i, u := range r.Upstreams {
		urls[i] = u.URL.URL
	}
	return urls
}

func addresses(list []config.RedisAddr) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = string(a)
	}
	return out
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
