// Package upstream sends requests to groups of backends: it chooses a target,
// keeps connections, checks health, and tries another target where that is safe.
package upstream

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Group is the http.RoundTripper of one route's backends. It is safe for
// concurrent use.
type Group struct {
	config  Config
	metrics *Metrics
	log     *zap.Logger
	world   world
	budget  budget
	targets []*target

	ctx     context.Context // of checks and look-ups; ended by Close
	stop    context.CancelFunc
	working sync.WaitGroup

	mu    sync.Mutex // guards what follows and each peer's credit
	peers []*peer    // replaced, never changed
	open  []*peer    // scratch of pick
}

// world is what a group takes from outside, so that tests can give it theirs.
type world struct {
	now    func() time.Time
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	every  time.Duration // between look-ups of a name
}

// New opens a group and starts its checks. It reads the certificate files and
// waits for nothing else: targets count as healthy until they are found not to
// be. Nil metrics or a nil log are kept to itself. The error names what is
// wrong with the configuration.
func New(c Config, m *Metrics, log *zap.Logger) (*Group, error) {
	return open(c, m, log, world{now: time.Now, lookup: lookup, every: resolveEvery})
}

func open(c Config, m *Metrics, log *zap.Logger, w world) (*Group, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("upstream %s: %w", c.Name, err)
	}
	if m == nil {
		m = NewMetrics(nil)
	}
	if log == nil {
		log = zap.NewNop()
	}
	g := &Group{config: c, metrics: m, log: log.With(zap.String("group", c.Name)), world: w}
	for _, tc := range c.Targets {
		t, err := newTarget(tc)
		if err != nil {
			return nil, fmt.Errorf("upstream %s: %w", c.Name, err)
		}
		g.targets = append(g.targets, t)
	}
	g.start()
	return g, nil
}

func (g *Group) start() {
	g.ctx, g.stop = context.WithCancel(context.Background())
	for _, t := range g.targets {
		t.metrics = g.metrics.acquire(g.config.Name, t.String())
		g.settle(t, []address{byName(t)})
	}
	for _, t := range g.targets {
		if _, err := netip.ParseAddr(t.URL.Hostname()); err != nil {
			g.working.Go(func() { g.follow(t) })
		}
	}
}

// RoundTrip sends req to a target and, where that fails and may be repeated,
// to others. It may change req, its URL and its headers, so it must be the
// caller's to give away; req.URL needs the final path and query alone. The
// response's body must be read to its end or closed; that of a 101 response is
// an io.ReadWriteCloser. Errors are the sentinels of this package, those of
// the request's context and body, or the network's.
//
// A request may reach a target more than once only when its method is GET,
// HEAD, OPTIONS, PUT or DELETE, it has no body, and its connection broke
// before anything of an answer came.
func (g *Group) RoundTrip(req *http.Request) (*http.Response, error) {
	f := newFlight(g, req)
	g.budget.earn()
	p, err := g.pick(f)
	if err != nil {
		return nil, f.fail(err)
	}
	for {
		res, err := f.attempt(p)
		if err == nil {
			g.answered(p, f, res)
			return f.deliver(p, res), nil
		}
		v := f.judge(err)
		next := g.next(p, f, v)
		p.leave()
		if next == nil {
			return nil, f.fail(v.err)
		}
		p = next
	}
}

// pick chooses a peer that the flight has not tried and counts the request in.
func (g *Group) pick(f *flight) (*peer, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	open := g.admitting(f)
	if len(open) == 0 {
		return nil, ErrNoHealthy
	}
	p := choose(g.config.Balance, f.key, open)
	p.ejection.chosen(f.begun)
	p.enter()
	return p, nil
}

// admitting lists the peers that may be asked. When ejection has left none,
// all that the active checks leave are: a backend that might answer is better
// than none, and its first good answer brings it back.
func (g *Group) admitting(f *flight) []*peer {
	g.open = g.open[:0]
	for _, p := range g.peers {
		if p.ejection.admits(f.begun) && f.mayTry(p) {
			g.open = append(g.open, p)
		}
	}
	if len(g.open) > 0 {
		return g.open
	}
	for _, p := range g.peers {
		if f.mayTry(p) {
			g.open = append(g.open, p)
		}
	}
	return g.open
}

func (f *flight) mayTry(p *peer) bool {
	return !p.sick.Load() && !slices.Contains(f.tried, p)
}

// answered keeps p's account of good and bad answers.
func (g *Group) answered(p *peer, f *flight, res *http.Response) {
	switch res.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		p.target.metrics.failures[reasonStatus].Inc()
		g.blame(p, f)
	default:
		if f.reused {
			p.keeping.kept()
		}
		if !p.ejection.clean() {
			g.praise(p, f)
		}
	}
}

func (g *Group) praise(p *peer, f *flight) {
	if p.ejection.succeeded(f.begun, g.now()) {
		g.log.Info("target is back", p.fields()...)
		g.showUp(p.target)
	}
}

func (g *Group) blame(p *peer, f *flight) {
	if p.ejection.failed(f.begun, g.now()) {
		g.log.Warn("target ejected", append(p.fields(), zap.Time("until", p.ejection.outUntil()))...)
		g.showUp(p.target)
	}
}

// next returns the peer for another attempt, nil when there is to be none.
func (g *Group) next(p *peer, f *flight, v verdict) *peer {
	if v.redo {
		f.redone++
		p.dropIdle() // idle for longer than the one that was stale
		p.enter()
		return p
	}
	if v.reason != "" {
		p.target.metrics.failures[v.reason].Inc()
	}
	if v.blame {
		g.blame(p, f)
	}
	if v.reason == reasonTimeout && f.connected && f.conn == nil {
		p.reconnect()
	}
	if !v.retry || len(f.tried) >= g.config.Retries || g.now().Sub(f.begun) >= g.config.Timeout {
		return nil
	}
	return g.another(p, f)
}

// another picks a further peer, if there is one and the budget allows.
func (g *Group) another(p *peer, f *flight) *peer {
	f.tried = append(f.tried, p)
	q, err := g.pick(f)
	if err != nil {
		return nil
	}
	if !g.budget.take(g.now()) {
		g.metrics.exhausted.WithLabelValues(g.config.Name).Inc()
		q.leave()
		return nil
	}
	g.metrics.retries.WithLabelValues(g.config.Name).Inc()
	return q
}

// Close ends checks and look-ups and closes each connection once it is idle.
// Requests under way, and those that still come, are carried out.
func (g *Group) Close() {
	if g.ctx.Err() != nil {
		return
	}
	g.stop()
	g.working.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.peers {
		p.retire()
	}
	for _, t := range g.targets {
		g.metrics.release(g.config.Name, t.String())
	}
}

// TargetStatus is the state of one address of a target.
type TargetStatus struct {
	URL          string    `json:"url"`                    // as configured
	Address      string    `json:"address"`                // host:port that is dialled
	Healthy      bool      `json:"healthy"`                // by the active checks
	EjectedUntil time.Time `json:"ejected_until,omitzero"` // by the passive ones; in the past: on trial
	InFlight     int       `json:"in_flight"`              // requests and streams
	Weight       int       `json:"weight"`
}

// Available reports whether the target takes requests.
func (s TargetStatus) Available() bool { return s.Healthy && s.EjectedUntil.IsZero() }

// Status lists all addresses of all targets, in the order of the configuration.
func (g *Group) Status() []TargetStatus {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]TargetStatus, len(g.peers))
	for i, p := range g.peers {
		all[i] = TargetStatus{
			URL: p.target.String(), Address: p.dials[0],
			Healthy: !p.sick.Load(), EjectedUntil: p.ejection.outUntil(),
			InFlight: int(p.inFlight.Load()), Weight: p.weight,
		}
	}
	return all
}

func (g *Group) now() time.Time { return g.world.now() }

// showUp sets the gauge of a target from its peers. A closed group leaves it to
// the one that has come in its place.
func (g *Group) showUp(t *target) {
	if g.ctx.Err() != nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	up := 0.0
	for _, p := range g.peers {
		if p.target == t && p.up() {
			up = 1
		}
	}
	t.metrics.up.Set(up)
}
