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

	"wxgate/admin"
	"wxgate/apierror"
	"wxgate/internal/config"
	"wxgate/proxy"
	"wxgate/proxy/upstream"
	"wxgate/secret"
	"wxgate/session"
)

// explainCommand explains why a request is refused: it runs the steps of the
// gateway on it, under the config file, without forwarding it.
type explainCommand struct {
	configFlag
	Method string `arg:"" help:"The request's method."`
	URL    string `arg:"" name:"url" help:"The request's URL, or its path."`
	Token  string `placeholder:"TOKEN" help:"The request's token."`
}

func (c *explainCommand) Run(ctx context.Context, t *terminal) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	r, err := admin.RequestToExplain(ctx, c.Method, c.URL, c.Token)
	if err != nil {
		return usageError{fmt.Sprintf("%s %s is not a valid request", c.Method, config.Quote(c.URL))}
	}
	sessions, err := session.Open(sessionConfig(cfg))
	if err != nil {
		return err
	}
	defer sessions.Close()
	publicConfig, err := proxyConfig(cfg, func(upstream.Config) (*upstream.Group, error) { return nil, nil })
	if err != nil {
		return err
	}
	gateway := proxy.New(proxy.Options{Sessions: sessions, Metrics: proxy.NewMetrics(nil), Log: zap.NewNop(), Now: time.Now}, publicConfig)
	printExplanation(t, cfg, explanation(cfg, r, gateway.Explain(ctx, r)), c.Token != "")
	return nil
}

// explanation converts a proxy.Explanation to what `wxgate explain` and the console
// show.
func explanation(cfg *config.Config, r *http.Request, e proxy.Explanation) admin.Explanation {
	out := admin.Explanation{Method: r.Method, URI: redactedTarget(r, e), Host: r.Host, Steps: []admin.Step{}, Own: e.Own, Headers: e.Headers}
	for _, s := range e.Steps {
		out.Steps = append(out.Steps, admin.Step{Name: s.Name, Outcome: string(s.Outcome)})
	}
	if e.Route != nil {
		out.Route, out.Target = routeNamed(cfg, e.Route.Name), e.Target.RequestURI()
	}
	if s := e.Session; s != nil {
		out.Session = &admin.TokenOwner{AppID: s.AppID, OpenID: s.OpenID, SID: s.ID, ExpiresAt: e.Expires.UTC()}
	}
	if e.Refusal != nil {
		out.Refusal = &admin.Refusal{Status: e.Refusal.Code.Status(), Error: string(e.Refusal.Code), Message: e.Refusal.Message}
	}
	return out
}

// routeNamed returns the route of a name, or nil if a reload has removed it.
func routeNamed(cfg *config.Config, name string) *admin.Route {
	for _, r := range cfg.Routes {
		if r.Name == name {
			route := adminRoute(r)
			return &route
		}
	}
	return nil
}

// linePrinter prints one line of an explanation: a label and a text.
type linePrinter func(label, format string, args ...any)

func printExplanation(t *terminal, cfg *config.Config, e admin.Explanation, hasToken bool) {
	printLine := func(label, format string, args ...any) {
		fmt.Fprintf(t.out, "%-9s %s\n", label+":", fmt.Sprintf(format, args...))
	}
	printLine("request", "%s %s, host %s", e.Method, e.URI, e.Host)
	switch {
	case e.Own:
		printLine("route", "none: the gateway answers under %s itself", cfg.AuthPrefix)
		printLine("outcome", "answered by the gateway")
		return
	case e.Route == nil:
		printLine("route", "none")
	default:
		printRoute(printLine, e)
	}
	printToken(printLine, e, hasToken)
	switch {
	case e.Refusal != nil:
		printLine("outcome", "%d %s: %s", e.Refusal.Status, e.Refusal.Error, e.Refusal.Message)
	case e.Route.Proof == string(proxy.ProofSign):
		printLine("outcome", "forwarded with a valid X-Gateway-Proof; without one %d %s", apierror.ProofRequired.Status(), apierror.ProofRequired)
	default:
		printLine("outcome", "forwarded")
	}
}

// redactedTarget returns the request target without the secrets that the gateway's
// own endpoints receive in it: codes, tickets, signatures and the pre-fetch key.
func redactedTarget(r *http.Request, e proxy.Explanation) string {
	if !e.Own {
		return r.URL.RequestURI()
	}
	target := e.LoggedPath
	if r.URL.RawQuery != "" {
		target += "?" + secret.Redacted
	}
	return target
}

func printRoute(printLine linePrinter, e admin.Explanation) {
	rt := e.Route
	printLine("route", "%s (path %s, host %s, methods %s)", rt.Name, rt.Path, orAny(rt.Host), orAny(strings.Join(rt.Methods, " ")))
	requirements := []string{"auth " + rt.Auth}
	if len(rt.Roles) > 0 {
		requirements = append(requirements, "one of the roles "+strings.Join(rt.Roles, ", "))
	}
	if rt.RequirePhone {
		requirements = append(requirements, "a phone number")
	}
	switch rt.Proof {
	case string(proxy.ProofSign):
		requirements = append(requirements, "a proof of WeChat's client")
	case string(proxy.ProofReport):
		requirements = append(requirements, "a proof of WeChat's client (only counted)")
	}
	printLine("asks for", "%s", strings.Join(requirements, "; "))
	var urls []string
	for _, u := range rt.Upstreams {
		urls = append(urls, u.URL)
	}
	printLine("goes to", "%s as %s", strings.Join(urls, ", "), e.Target)
}

func printToken(printLine linePrinter, e admin.Explanation, hasToken bool) {
	switch {
	case e.Session != nil:
		printLine("token", "of openid %s, appid %s, session %s, valid for %v", e.Session.OpenID, e.Session.AppID, e.Session.SID, time.Until(e.Session.ExpiresAt).Round(time.Second))
		for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
			printLine("header", "%s: %s", name, e.Headers[name][0])
		}
	case hasToken && e.Route != nil && e.Route.Auth == string(proxy.AuthNone):
		printLine("token", "not checked")
	case hasToken && e.Refusal != nil:
		printLine("token", "%s", e.Refusal.Message)
	case !hasToken:
		printLine("token", "none")
	}
}

func orAny(s string) string {
	if s == "" {
		return "any"
	}
	return s
}
