package main

import (
	"cmp"
	"fmt"

	"wxgate/internal/config"
	"wxgate/proxy/endpoint"
	"wxgate/secret"
	"wxgate/session"
	"wxgate/wechat"
)

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
	out.Pushes, err = pushConfigs(c)
	return out, err
}

// pushConfigs returns the configuration of each app whose message push is on, by
// appid.
func pushConfigs(c *config.Config) (map[string]endpoint.Push, error) {
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

func loginHook(c *config.Config) endpoint.Hook {
	h := c.Hooks.Login
	if h.URL.URL == nil {
		return endpoint.Hook{}
	}
	return endpoint.Hook{URL: h.URL.String(), Timeout: h.Timeout.Std(), AllowOnError: h.OnError == "allow", Client: endpoint.NewBackendClient()}
}
