package upstream

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"time"

	"go.uber.org/zap"

	"wxgate/internal/sleep"
)

const (
	resolveInterval = 5 * time.Second // CoreDNS's default TTL of Kubernetes services
	resolveTimeout  = 5 * time.Second

	minResolveInterval = time.Second // even if many connections fail
)

// lookupIP looks a name up with the system's resolver.
func lookupIP(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// resolveLoop looks a target's name up at intervals and updates its endpoints, until
// the group is closed.
func (g *Group) resolveLoop(t *target) {
	for {
		g.resolve(t)
		if !g.waitForLookup(t) {
			return
		}
	}
}

// waitForLookup waits until the next look-up is due: after the interval, varied by a
// tenth, or after requestLookup. It returns false when the group is closed.
func (g *Group) waitForLookup(t *target) bool {
	if !sleep.For(g.ctx, g.minLookupInterval) {
		return false
	}
	timer := time.NewTimer(g.lookupInterval - g.lookupInterval/10 + rand.N(g.lookupInterval/5+1) - g.minLookupInterval)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.lookupRequested:
	case <-g.ctx.Done():
		return false
	}
	return true
}

// requestLookup makes the next look-up of the target's name due now: a connection
// failed, and the address may have changed.
func (t *target) requestLookup() {
	select {
	case t.lookupRequested <- struct{}{}:
	default:
	}
}

// resolve looks a target's name up once. If that fails, the endpoints stay as they
// are.
func (g *Group) resolve(t *target) {
	ctx, cancel := context.WithTimeout(g.ctx, resolveTimeout)
	defer cancel()
	ips, err := g.lookup(ctx, t.URL.Hostname())
	if g.ctx.Err() != nil {
		return
	}
	if found := err == nil && len(ips) > 0; !found {
		if !t.lookupFailed {
			g.log.Warn("target's name has no address", zap.Stringer("target", t), zap.Error(err))
		}
		t.lookupFailed = true
		return
	}
	t.lookupFailed = false
	g.setAddresses(t, addresses(t, ips))
}

// setAddresses sets the addresses of a target. Existing endpoints stay as they are;
// endpoints at other addresses are retired, and their requests in flight finish.
func (g *Group) setAddresses(t *target, found []address) {
	g.mu.Lock()
	endpoints, removed := g.splitEndpoints(t, found)
	g.endpoints = endpoints
	g.mu.Unlock()
	for _, ep := range removed {
		ep.retire()
	}
	g.updateUpGauge(t)
}

// splitEndpoints returns the endpoints to keep, in the order of the targets, and those
// to retire.
func (g *Group) splitEndpoints(t *target, found []address) (keep, removed []*endpoint) {
	for _, each := range g.targets {
		if each != t {
			keep = append(keep, g.endpointsOf(each)...)
			continue
		}
		for _, a := range found {
			keep = append(keep, g.endpointAt(t, a))
		}
	}
	for _, ep := range g.endpoints {
		if !slices.Contains(keep, ep) {
			removed = append(removed, ep)
		}
	}
	return keep, removed
}

func (g *Group) endpointsOf(t *target) []*endpoint {
	return slices.DeleteFunc(slices.Clone(g.endpoints), func(ep *endpoint) bool { return ep.target != t })
}

// endpointAt returns the endpoint at an address, or a new one.
func (g *Group) endpointAt(t *target, a address) *endpoint {
	for _, ep := range g.endpoints {
		if ep.target == t && ep.name == a.name {
			return ep
		}
	}
	ep := newEndpoint(t, a, g.config)
	ctx, stop := context.WithCancel(g.ctx)
	ep.stop = stop
	if g.config.Health.Path != "" {
		g.background.Go(func() { newHealthChecker(g, ep).run(ctx) })
	}
	return ep
}
