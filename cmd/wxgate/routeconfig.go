package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"wxgate/internal/config"
	"wxgate/proxy"
	"wxgate/proxy/upstream"
	"wxgate/secret"
	"wxgate/session"
)

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
		Upstream: g, CookieJarID: cookieJarID(r), BackendURLs: backendURLs(r), Timeout: uc.Timeout, RewriteRedirects: r.Redirects == "rewrite",
		StripPrefix: r.StripPrefix, AddPrefix: r.AddPrefix, PreserveHost: r.PreserveHost,
		HashByOpenID: uc.Balance == upstream.HashOpenID,
		WebSocket:    r.WebSocket && allSupportUpgrade(uc.Targets), Cookies: proxy.Cookies(r.Cookies), MethodOverride: r.MethodOverride,
		AcceptCookie: slices.Contains(r.Credentials, config.CredentialCookie),
		Proof:        proxy.ProofMode(r.Proof), UnsignedUploads: r.UnsignedUploads,
		CORSOrigins: r.CORS.Origins,
		RequestSet:  revealed(r.RequestHeaders.Set), RequestRemove: canonical(r.RequestHeaders.Remove),
		ResponseSet: revealed(r.ResponseHeaders.Set), ResponseRemove: canonical(r.ResponseHeaders.Remove),
	}, nil
}

// allSupportUpgrade reports whether every target supports WebSockets.
func allSupportUpgrade(targets []upstream.Target) bool {
	return !slices.ContainsFunc(targets, func(t upstream.Target) bool { return !t.SupportsUpgrade() })
}

// cookieJarID returns the same id for routes with the same upstreams: they are one
// backend and share its cookies.
func cookieJarID(r *config.Route) string {
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

// revealed returns header values as plain text, under canonical names.
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
