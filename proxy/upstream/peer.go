package upstream

import (
	"context"
	"sync/atomic"
	"time"
)

// peer is one address that requests are sent to. A target has one, or, where
// its host's name stands for several addresses, one for each.
type peer struct {
	target  *target
	name    string   // tells it from the target's others
	dials   []string // host:port, tried in turn for each connection
	seed    uint64   // its name, for hashed
	weight  int
	timeout time.Duration
	carrier atomic.Pointer[carrier]

	credit int // roundRobin's, guarded by the group's lock

	inFlight atomic.Int64
	sick     atomic.Bool // by the active checks
	ejection ejection
	keeping  keepAlive

	stop    context.CancelFunc // ends the active checks
	retired atomic.Bool
}

func newPeer(t *target, a address, c Config) *peer {
	p := &peer{target: t, name: a.name, dials: a.dials, seed: hash(t.String() + " " + a.name), weight: max(t.Weight, 1)}
	p.ejection.rule = c.Eject
	p.timeout = c.Timeout
	p.carrier.Store(p.connect())
	return p
}

func (p *peer) connect() *carrier {
	c := newCarrier(p.target, p.dials, p.timeout, &p.keeping)
	return &c
}

// reconnect has further requests use new connections. What the old ones are
// doing they finish. An HTTP/2 connection to a host that has vanished would
// otherwise be used until TCP gives it up, a quarter of an hour later.
func (p *peer) reconnect() {
	(*p.carrier.Swap(p.connect())).CloseIdleConnections()
}

// dropIdle closes the connections that no request uses.
func (p *peer) dropIdle() { (*p.carrier.Load()).CloseIdleConnections() }

// busierThan compares the requests in flight for each unit of weight.
func (p *peer) busierThan(q *peer) bool {
	return p.inFlight.Load()*int64(q.weight) > q.inFlight.Load()*int64(p.weight)
}

func (p *peer) enter() {
	p.inFlight.Add(1)
	p.target.metrics.inFlight.Inc()
}

func (p *peer) leave() {
	p.target.metrics.inFlight.Dec()
	if p.inFlight.Add(-1) == 0 && p.retired.Load() {
		p.dropIdle()
	}
}

// retire ends the checks and closes each connection as it falls idle.
func (p *peer) retire() {
	p.stop()
	p.retired.Store(true)
	p.dropIdle()
}

// up reports whether the peer gets its share of the requests.
func (p *peer) up() bool {
	return !p.sick.Load() && p.ejection.until.Load() == 0
}
