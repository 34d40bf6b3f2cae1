package upstream

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

const (
	resolveEvery   = 5 * time.Second // CoreDNS lets answers about Kubernetes services live as long
	resolveTimeout = 5 * time.Second
)

// address is one place where a target is found.
type address struct {
	name  string   // another name: connections to the old place are given up
	dials []string // host:port, to be tried in turn
}

func newAddress(dials ...string) address {
	return address{name: strings.Join(dials, " "), dials: dials}
}

// byName leaves it to the dialler to look the host up.
func byName(t *target) address { return newAddress(t.address(t.URL.Hostname())) }

// lookup asks the system's resolver.
func lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// follow looks a target's name up again and again, so that the group goes where
// the name goes.
func (g *Group) follow(t *target) {
	for {
		g.resolve(t)
		if !sleep(g.ctx, g.world.every-g.world.every/10+rand.N(g.world.every/5+1)) {
			return
		}
	}
}

// resolve looks a target's name up once. Without an answer all stays as it is.
func (g *Group) resolve(t *target) {
	ctx, cancel := context.WithTimeout(g.ctx, resolveTimeout)
	defer cancel()
	ips, err := g.world.lookup(ctx, t.URL.Hostname())
	if g.ctx.Err() != nil {
		return
	}
	if found := err == nil && len(ips) > 0; !found {
		if !t.unknown {
			g.log.Warn("target's name has no address", zap.Stringer("target", t), zap.Error(err))
		}
		t.unknown = true
		return
	}
	t.unknown = false
	g.settle(t, addresses(t, ips))
}

// addresses makes one address of each IP. A name with both an IPv4 and an IPv6
// address, or several of each, is most likely the same backends twice: one
// family is enough. Where there is just one of each, such as for localhost,
// either may be the one that is listened on, so both are tried.
func addresses(t *target, ips []netip.Addr) []address {
	var v4, v6 []string
	for _, ip := range ips {
		if ip = ip.Unmap(); ip.Is4() {
			v4 = append(v4, t.address(ip.String()))
		} else {
			v6 = append(v6, t.address(ip.String()))
		}
	}
	v4, v6 = distinct(v4), distinct(v6)
	if len(v4) == 1 && len(v6) == 1 {
		return []address{newAddress(v4[0], v6[0])}
	}
	dials := v4
	if len(v6) > len(v4) {
		dials = v6
	}
	found := make([]address, len(dials))
	for i, dial := range dials {
		found[i] = newAddress(dial)
	}
	return found
}

func distinct(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}

// settle makes the peers of a target those at the given addresses. Peers that
// were there stay as they are; those no longer named are retired: what they
// are doing they finish.
func (g *Group) settle(t *target, found []address) {
	g.mu.Lock()
	peers, gone := g.arrange(t, found)
	g.peers = peers
	g.mu.Unlock()
	for _, p := range gone {
		p.retire()
	}
	g.showUp(t)
}

// arrange sorts the peers into those to keep, in the targets' order, and those
// to give up.
func (g *Group) arrange(t *target, found []address) (keep, gone []*peer) {
	for _, each := range g.targets {
		if each != t {
			keep = append(keep, g.peersOf(each)...)
			continue
		}
		for _, a := range found {
			keep = append(keep, g.peerAt(t, a))
		}
	}
	for _, p := range g.peers {
		if !slices.Contains(keep, p) {
			gone = append(gone, p)
		}
	}
	return keep, gone
}

func (g *Group) peersOf(t *target) []*peer {
	return slices.DeleteFunc(slices.Clone(g.peers), func(p *peer) bool { return p.target != t })
}

// peerAt returns the peer at an address, which is made where there is none.
func (g *Group) peerAt(t *target, a address) *peer {
	for _, p := range g.peers {
		if p.target == t && p.name == a.name {
			return p
		}
	}
	p := newPeer(t, a, g.config)
	ctx, stop := context.WithCancel(g.ctx)
	p.stop = stop
	if g.config.Health.Path != "" {
		g.working.Go(func() { newChecker(g, p).run(ctx) })
	}
	return p
}
