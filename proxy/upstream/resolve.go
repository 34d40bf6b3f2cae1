package upstream

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"wxgate/internal/sleep"

	"go.uber.org/zap"
)

const (
	resolveInterval = 5 * time.Second // CoreDNS lets answers about Kubernetes services live as long
	resolveTimeout  = 5 * time.Second

	minResolveInterval = time.Second // however many connections fail
)

// address is one place where a target is found.
type address struct {
	name      string   // where it changes, connections to the old place are closed
	dialAddrs []string // host:port, to be tried in turn
}

func newAddress(dialAddrs ...string) address {
	return address{name: strings.Join(dialAddrs, " "), dialAddrs: dialAddrs}
}

// unresolvedAddress leaves it to the dialler to look the host up.
func unresolvedAddress(t *target) address { return newAddress(t.hostPort(t.URL.Hostname())) }

// lookupIP asks the system's resolver.
func lookupIP(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// resolveLoop looks a target's name up at intervals, so that the group follows
// changes of its addresses.
func (g *Group) resolveLoop(t *target) {
	for {
		g.resolve(t)
		if !g.waitForLookup(t) {
			return
		}
	}
}

// waitForLookup waits for the next look-up: for the interval, a tenth more or less,
// or until a connection fails. It reports false when the group was closed.
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

// resolve looks a target's name up once. Without an answer all stays as it is.
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

// addresses makes one address of each IP. A name with both an IPv4 and an IPv6
// address, or several of each, is most likely the same backends twice: one
// family is enough. Where there is just one of each, such as for localhost,
// either may be the one that is listened on, so both are tried.
func addresses(t *target, ips []netip.Addr) []address {
	var v4, v6 []string
	for _, ip := range ips {
		if ip = ip.Unmap(); ip.Is4() {
			v4 = append(v4, t.hostPort(ip.String()))
		} else {
			v6 = append(v6, t.hostPort(ip.String()))
		}
	}
	v4, v6 = sortedUnique(v4), sortedUnique(v6)
	if len(v4) == 1 && len(v6) == 1 {
		return []address{newAddress(v4[0], v6[0])}
	}
	dialAddrs := v4
	if len(v6) > len(v4) {
		dialAddrs = v6
	}
	found := make([]address, len(dialAddrs))
	for i, dial := range dialAddrs {
		found[i] = newAddress(dial)
	}
	return found
}

func sortedUnique(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}

// setAddresses makes the endpoints of a target those at the given addresses.
// Endpoints that were there stay as they are; those no longer named are retired:
// their requests under way finish.
func (g *Group) setAddresses(t *target, found []address) {
	g.mu.Lock()
	endpoints, gone := g.splitEndpoints(t, found)
	g.endpoints = endpoints
	g.mu.Unlock()
	for _, ep := range gone {
		ep.retire()
	}
	g.updateUpGauge(t)
}

// splitEndpoints sorts the endpoints into those to keep, in the targets' order, and
// those to retire.
func (g *Group) splitEndpoints(t *target, found []address) (keep, gone []*endpoint) {
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
			gone = append(gone, ep)
		}
	}
	return keep, gone
}

func (g *Group) endpointsOf(t *target) []*endpoint {
	return slices.DeleteFunc(slices.Clone(g.endpoints), func(ep *endpoint) bool { return ep.target != t })
}

// endpointAt returns the endpoint at an address, a new one where there is none.
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
