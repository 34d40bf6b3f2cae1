package main

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"wxgate/admin"
	"wxgate/internal/config"
	"wxgate/proxy/upstream"
)

// adminGateway returns the functions by which package admin reads the state of
// this process.
func (p *process) adminGateway() admin.Gateway {
	b := currentBuild()
	return admin.Gateway{
		Build: admin.Build{Version: b.Version, Commit: b.Commit, Go: b.Go}, Started: time.Now(), Store: describeStore(p.startConfig),
		Routes:    func() []admin.Route { return adminRoutes(p.currentConfig()) },
		Upstreams: func() []admin.UpstreamGroup { return p.adminUpstreams(time.Now()) },
		Explain: func(ctx context.Context, r *http.Request) admin.Explanation {
			return explanation(p.currentConfig(), r, p.gateway.Explain(ctx, r))
		},
		Config: p.effectiveConfig,
	}
}

// currentConfig returns the configuration that was applied last.
func (p *process) currentConfig() *config.Config {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.config
}

func (p *process) effectiveConfig() ([]byte, error) {
	var text bytes.Buffer
	err := config.WriteEffective(&text, p.currentConfig())
	return text.Bytes(), err
}

// adminRoutes returns the routes in the order in which they are matched.
func adminRoutes(c *config.Config) []admin.Route {
	routes := []admin.Route{}
	for _, r := range config.MatchOrder(c.Routes) {
		routes = append(routes, adminRoute(r))
	}
	return routes
}

func adminRoute(r config.Route) admin.Route {
	out := admin.Route{
		Name: r.Name, Path: r.Path, Host: r.Host, Methods: r.Methods, Auth: r.Auth, Credentials: r.Credentials,
		Roles: r.Require.Roles, RequirePhone: r.Require.Phone, Proof: r.Proof, Timeout: r.Timeout.Std().String(), WebSocket: r.WebSocket,
		StripPrefix: r.StripPrefix, AddPrefix: r.AddPrefix,
	}
	if r.RateLimit.Count > 0 {
		out.RateLimit = r.RateLimit.String()
	}
	for _, u := range r.Upstreams {
		out.Upstreams = append(out.Upstreams, admin.RouteTarget{URL: u.URL.String(), Weight: u.Weight})
	}
	return out
}

// adminUpstreams returns the groups in use, in the order of the configuration.
func (p *process) adminUpstreams(now time.Time) []admin.UpstreamGroup {
	p.mu.Lock()
	inUse := p.groups.inUse
	p.mu.Unlock()
	groups := []admin.UpstreamGroup{}
	for _, used := range inUse {
		groups = append(groups, admin.UpstreamGroup{Route: used.config.Name, Balance: used.config.Balance, Targets: adminTargets(used.group, now)})
	}
	return groups
}

func adminTargets(g *upstream.Group, now time.Time) []admin.Target {
	targets := []admin.Target{}
	for _, s := range g.Status() {
		targets = append(targets, admin.Target{
			URL: s.URL, Address: s.Address, Health: s.Health(now), Weight: s.Weight, InFlight: s.InFlight,
			EjectedUntil: s.EjectedUntil.UTC(), LastFailure: s.LastFailure, LastFailureAt: s.LastFailureAt.UTC(),
		})
	}
	return targets
}
