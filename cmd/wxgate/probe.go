package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"wxgate/internal/config"
	"wxgate/internal/httprule"
	"wxgate/proxy/upstream"
)

// probeCommand asks each upstream directly, as somebody could who reaches it past
// the gateway, and says which one accepts what it must refuse.
type probeCommand struct {
	configFlag
	Route string `placeholder:"NAME" help:"The route whose upstreams are asked (default: each with auth: required)."`
	Path  string `placeholder:"PATH" help:"The path to ask for, as clients do (default: the route's)."`
}

// errProbe is the outcome of a probe of which some lines are not ok.
var errProbe = errors.New("not every upstream is known to refuse what the gateway has not signed, see above")

// maxProbeWait bounds one request of a probe.
const maxProbeWait = 10 * time.Second

func (c *probeCommand) Run(ctx context.Context, t *terminal) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	routes, err := c.routes(cfg)
	if err != nil {
		return err
	}
	failed := false
	for _, route := range routes {
		ok, err := c.probeRoute(ctx, t.out, cfg, route)
		if err != nil {
			return err
		}
		failed = failed || !ok
	}
	if failed {
		return errProbe
	}
	return nil
}

// routes are those to probe: the named one, or all with auth: required.
func (c *probeCommand) routes(cfg *config.Config) ([]*config.Route, error) {
	if cfg.Identity.Assertion.Header == "" {
		return nil, usageError{"identity.assertion.header is not set: backends get no assertion that they could check"}
	}
	if c.Path != "" && !httprule.ValidTarget(c.Path) {
		return nil, usageError{"--path " + config.Quote(c.Path) + " is no path that the gateway lets pass"}
	}
	var found []*config.Route
	for i := range cfg.Routes {
		route := &cfg.Routes[i]
		if c.Route == "" && route.Auth == "required" || c.Route != "" && route.Name == c.Route {
			found = append(found, route)
		}
	}
	switch {
	case len(found) == 0 && c.Route != "":
		return nil, usageError{"--route " + config.Quote(c.Route) + " names no route" + config.DidYouMean(c.Route, routeNames(cfg))}
	case len(found) == 0:
		return nil, usageError{"no route has auth: required"}
	case found[0].Auth == "none":
		return nil, usageError{"--route " + config.Quote(c.Route) + " has auth: none: its backends get no assertion"}
	}
	return found, nil
}

func routeNames(cfg *config.Config) []string {
	var names []string
	for _, route := range cfg.Routes {
		names = append(names, route.Name)
	}
	return names
}

// probeRoute asks each upstream of a route and prints a line for each.
func (c *probeCommand) probeRoute(ctx context.Context, out io.Writer, cfg *config.Config, route *config.Route) (ok bool, err error) {
	forger, err := newForger(cfg, route.Name)
	if err != nil {
		return false, err
	}
	defer forger.close()
	group := upstreamConfig(route)
	targets := group.Targets
	group.Retries, group.Health, group.Eject = 0, upstream.Health{}, upstream.Eject{}
	group.Timeout = min(group.Timeout, maxProbeWait)
	ok = true
	for _, target := range targets {
		group.Targets = []upstream.Target{target}
		one, err := upstream.New(group, upstream.NewMetrics(nil), zap.NewNop())
		if err != nil {
			return false, err
		}
		path := c.upstreamPath(route)
		p := prober{transport: one, url: path, host: target.URL.Host, cases: forger.cases()}
		verdict, passed := p.run(ctx)
		one.Close()
		ok = ok && passed
		fmt.Fprintf(out, "upstream %s, route %s, GET %s: %s\n", target.URL, route.Name, path, verdict)
	}
	return ok, nil
}

// upstreamPath is what the gateway would ask the upstream for.
func (c *probeCommand) upstreamPath(route *config.Route) string {
	path := c.Path
	if path == "" {
		path = route.Path
	}
	bare, _, _ := strings.Cut(path, "?")
	if !httprule.PathWithin(bare, route.Path) {
		return path
	}
	if httprule.PathWithin(bare, route.StripPrefix) {
		path = strings.TrimPrefix(path, strings.TrimSuffix(route.StripPrefix, "/"))
	}
	path = strings.TrimSuffix(route.AddPrefix, "/") + path
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return path
}

// prober sends the requests to one upstream.
type prober struct {
	transport http.RoundTripper
	url, host string
	cases     []probeCase
}

// run sends the valid assertion first and last: only where the upstream accepts it does
// a refusal of the others mean anything.
func (p *prober) run(ctx context.Context) (verdict string, ok bool) {
	control := p.cases[0]
	if status, err := p.get(ctx, control.header); !accepted(status, err) {
		return "unknown: the valid assertion " + outcome(status, err), false
	}
	var forged []string
	for _, c := range p.cases[1:] {
		status, err := p.get(ctx, c.header)
		if err != nil {
			return fmt.Sprintf("unknown: %s %s", c.name, outcome(status, err)), false
		}
		if accepted(status, err) {
			forged = append(forged, fmt.Sprintf("%s (%d)", c.name, status))
			forged = slices.Compact(forged) // HS256 is tried with several forms of one key
		}
	}
	if len(forged) > 0 {
		return "BELIEVES " + strings.Join(forged, ", "), false
	}
	if status, err := p.get(ctx, control.header); !accepted(status, err) {
		return "unknown: the valid assertion, asked again, " + outcome(status, err), false
	}
	return "ok, believes the valid assertion only", true
}

func accepted(status int, err error) bool { return err == nil && status/100 == 2 }

func outcome(status int, err error) string {
	if err != nil {
		return "got no answer: " + err.Error()
	}
	return fmt.Sprintf("got %d", status)
}

// get follows no redirect: where one leads is not the upstream's own answer.
func (p *prober) get(ctx context.Context, header http.Header) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, maxProbeWait)
	defer cancel()
	u, err := url.ParseRequestURI(p.url)
	if err != nil {
		return 0, err
	}
	r := (&http.Request{Method: http.MethodGet, URL: u, Host: p.host, Header: header.Clone(), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	res, err := p.transport.RoundTrip(r)
	if err != nil {
		return 0, withoutURL(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, nil
}
