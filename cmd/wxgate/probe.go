package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.uber.org/zap"

	"wxgate/internal/config"
	"wxgate/internal/httprule"
	"wxgate/proxy/upstream"
)

// probeCommand sends requests to each upstream directly, as an attacker who can
// bypass the gateway would, and says which upstream accepts what it must refuse.
type probeCommand struct {
	configFlag
	Route string `placeholder:"NAME" help:"The route whose upstreams are probed (default: each with auth: required)."`
	Path  string `placeholder:"PATH" help:"The path to request, as clients do (default: the route's)."`
}

// errProbe means that at least one upstream is not ok.
var errProbe = errors.New("not every upstream is known to refuse what the gateway has not signed, see above")

// probeTimeout bounds one request of a probe.
const probeTimeout = 10 * time.Second

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

// routes returns the routes to probe: the named one, or all with auth: required.
func (c *probeCommand) routes(cfg *config.Config) ([]*config.Route, error) {
	if cfg.Identity.Assertion.Header == "" {
		return nil, usageError{"identity.assertion.header is not set: backends receive no assertion that they could verify"}
	}
	if c.Path != "" && !httprule.ValidTarget(c.Path) {
		return nil, usageError{"--path " + config.Quote(c.Path) + " is not a path that the gateway forwards"}
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
		return nil, usageError{"--route " + config.Quote(c.Route) + " has auth: none: its backends receive no assertion"}
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

// probeRoute probes each upstream of a route and prints a line for each. ok reports
// whether all accept the valid assertion only.
func (c *probeCommand) probeRoute(ctx context.Context, out io.Writer, cfg *config.Config, route *config.Route) (ok bool, err error) {
	assertions, err := newProbeAssertions(cfg, route.Name)
	if err != nil {
		return false, err
	}
	defer assertions.close()
	group := upstreamConfig(route)
	targets := group.Targets
	group.Retries, group.Health, group.Eject = 0, upstream.Health{}, upstream.Eject{}
	group.Timeout = min(group.Timeout, probeTimeout)
	ok = true
	for _, target := range targets {
		group.Targets = []upstream.Target{target}
		transport, err := upstream.New(group, upstream.NewMetrics(nil), zap.NewNop())
		if err != nil {
			return false, err
		}
		path := c.upstreamPath(route)
		p := prober{transport: transport, target: path, host: target.URL.Host, cases: assertions.cases()}
		result, passed := p.run(ctx)
		transport.Close()
		ok = ok && passed
		fmt.Fprintf(out, "upstream %s, route %s, GET %s: %s\n", target.URL, route.Name, path, result)
	}
	return ok, nil
}

// upstreamPath returns the path that the gateway would request from the upstream. A
// --path outside of the route's path is requested unchanged.
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
