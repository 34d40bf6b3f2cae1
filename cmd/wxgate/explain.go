package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"wxgate/internal/config"
	"wxgate/proxy"
	"wxgate/proxy/upstream"
	"wxgate/secret"
	"wxgate/session"
)

// explainCommand answers "why was I refused": it takes a request through the
// rules of the config file without sending it anywhere.
type explainCommand struct {
	configFlag
	Method string `arg:"" help:"The request's method."`
	URL    string `arg:"" name:"url" help:"The request's URL, or its path."`
	Token  string `placeholder:"TOKEN" help:"The token that comes with it."`
}

func (c *explainCommand) Run(ctx context.Context, t *terminal) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	r, err := c.request(cfg)
	if err != nil {
		return usageError{err.Error()}
	}
	sessions, err := session.Open(sessionConfig(cfg))
	if err != nil {
		return err
	}
	defer sessions.Close()
	rules, err := proxyConfig(cfg, func(upstream.Config) (*upstream.Group, error) { return nil, nil })
	if err != nil {
		return err
	}
	gateway := proxy.New(proxy.Options{Sessions: sessions, Metrics: proxy.NewMetrics(nil), Log: zap.NewNop(), Now: time.Now}, rules)
	printExplanation(t, cfg, r, gateway.Explain(ctx, r), c.Token != "")
	return nil
}

// request is the request as the public listener would have read it.
func (c *explainCommand) request(cfg *config.Config) (*http.Request, error) {
	r, err := http.NewRequest(strings.ToUpper(c.Method), c.URL, nil)
	if err != nil {
		return nil, fmt.Errorf("%s %s is no request", c.Method, config.Quote(c.URL))
	}
	r.RequestURI = r.URL.RequestURI()
	r.URL.Scheme, r.URL.Host = "", "" // which a request line has not
	if r.Host == "" {
		r.Host = "localhost"
	}
	r.RemoteAddr = "127.0.0.1:1"
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	return r, nil
}

func printExplanation(t *terminal, cfg *config.Config, r *http.Request, e proxy.Explanation, hasToken bool) {
	say := func(what, format string, args ...any) {
		fmt.Fprintf(t.out, "%-9s %s\n", what+":", fmt.Sprintf(format, args...))
	}
	say("request", "%s %s, host %s", r.Method, shownTarget(r, e), r.Host)
	switch {
	case e.Own:
		say("route", "none: the gateway answers under %s itself", cfg.AuthPrefix)
		say("outcome", "answered by the gateway")
		return
	case e.Route == nil:
		say("route", "none")
	default:
		explainRoute(say, cfg, e)
	}
	explainToken(say, e, hasToken)
	if e.Refusal != nil {
		say("outcome", "%d %s: %s", e.Refusal.Code.Status(), e.Refusal.Code, e.Refusal.Message)
		return
	}
	say("outcome", "forwarded")
}

// shownTarget is the request's target without what the gateway's own endpoints
// take as a secret: codes, tickets, signatures and the key of a pre-fetch.
func shownTarget(r *http.Request, e proxy.Explanation) string {
	if !e.Own {
		return r.URL.RequestURI()
	}
	target := e.LoggedPath
	if r.URL.RawQuery != "" {
		target += "?" + secret.Redacted
	}
	return target
}

func explainRoute(say func(what, format string, args ...any), cfg *config.Config, e proxy.Explanation) {
	rt := e.Route
	say("route", "%s (path %s, host %s, methods %s)", rt.Name, rt.Path, orAny(rt.Host), orAny(strings.Join(rt.Methods, " ")))
	requirements := []string{"auth " + string(rt.Auth)}
	if len(rt.Roles) > 0 {
		requirements = append(requirements, "one of the roles "+strings.Join(rt.Roles, ", "))
	}
	if rt.RequirePhone {
		requirements = append(requirements, "a phone number")
	}
	switch rt.Proof {
	case proxy.ProofSign:
		requirements = append(requirements, "a proof of WeChat's client")
	case proxy.ProofReport:
		requirements = append(requirements, "a proof of WeChat's client (only counted)")
	}
	say("asks for", "%s", strings.Join(requirements, "; "))
	at := slices.IndexFunc(cfg.Routes, func(r config.Route) bool { return r.Name == rt.Name })
	var urls []string
	for _, u := range cfg.Routes[at].Upstreams {
		urls = append(urls, u.URL.String())
	}
	say("goes to", "%s as %s", strings.Join(urls, ", "), e.Target.RequestURI())
}

func explainToken(say func(what, format string, args ...any), e proxy.Explanation, hasToken bool) {
	switch {
	case e.Session != nil:
		say("token", "of openid %s, appid %s, session %s, valid for %v", e.Session.OpenID, e.Session.AppID, e.Session.ID, time.Until(e.Expires).Round(time.Second))
		for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
			say("header", "%s: %s", name, e.Headers[name][0])
		}
	case hasToken && e.Route != nil && e.Route.Auth == proxy.AuthNone:
		say("token", "not checked")
	case hasToken && e.Refusal != nil:
		say("token", "%s", e.Refusal.Message)
	case !hasToken:
		say("token", "none")
	}
}

func orAny(s string) string {
	if s == "" {
		return "any"
	}
	return s
}
