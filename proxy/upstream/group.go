// Package upstream sends requests to groups of backends: it balances load, pools
// connections, checks health, ejects failing targets, and retries if that is safe.
package upstream

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Group is the backends of one route. It is safe for concurrent use.
type Group struct {
	config      Config
	metrics     *Metrics
	log         *zap.Logger
	retryBudget retryBudget
	targets     []*target

	now                               func() time.Time
	lookup                            func(ctx context.Context, host string) ([]netip.Addr, error)
	lookupInterval, minLookupInterval time.Duration

	ctx        context.Context // of active checks and look-ups; ended by Close
	stop       context.CancelFunc
	background sync.WaitGroup

	mu           sync.Mutex  // guards the fields below and each endpoint's currentWeight
	endpoints    []*endpoint // the slice is replaced, never changed
	candidateBuf []*endpoint // reused by candidates
}

// New opens a group and starts its active checks and look-ups. It reads the certificate
// files and waits for nothing else: targets count as healthy until a check fails. m may
// be nil: the metrics are not registered. log may be nil: nothing is logged. The error
// says what is wrong with the config.
func New(c Config, m *Metrics, log *zap.Logger) (*Group, error) {
	g, err := newGroup(c, m, log)
	if err != nil {
		return nil, err
	}
	g.start()
	return g, nil
}

func newGroup(c Config, m *Metrics, log *zap.Logger) (*Group, error) {
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
	g := &Group{
		config: c, metrics: m, log: log.With(zap.String("group", c.Name)),
		now: time.Now, lookup: lookupIP, lookupInterval: resolveInterval, minLookupInterval: minResolveInterval,
	}
	for _, tc := range c.Targets {
		t, err := newTarget(tc)
		if err != nil {
			return nil, fmt.Errorf("upstream %s: %w", c.Name, err)
		}
		g.targets = append(g.targets, t)
	}
	return g, nil
}

func (g *Group) start() {
	g.ctx, g.stop = context.WithCancel(context.Background())
	for _, t := range g.targets {
		t.metrics = g.metrics.acquire(g.config.Name, t.String())
		g.setAddresses(t, []address{unresolvedAddress(t)})
	}
	for _, t := range g.targets {
		if _, err := netip.ParseAddr(t.URL.Hostname()); err != nil {
			g.background.Go(func() { g.resolveLoop(t) })
		}
	}
}

// Do sends a request to a target and, if that fails and it is safe, retries it at
// other targets. The error wraps a sentinel of this package, the error of the request's
// context or body, or the network's.
//
// A request may reach a target more than once only if its method is GET, HEAD, OPTIONS,
// PUT or DELETE, it has no body, and its connection broke before any byte of a response
// was received.
func (g *Group) Do(c *Call) (*Response, error) {
	cs := newCallState(g, c)
	if err := cs.prepareBody(); err != nil {
		return nil, cs.fail(err)
	}
	cs.startedAt = g.now() // after a short body was read: a slow client must not use up the timeout
	g.retryBudget.deposit()
	ep, err := g.pick(cs)
	if err != nil {
		return nil, cs.fail(err)
	}
	for {
		res, err := cs.makeAttempt(ep)
		if err == nil {
			g.recordResponse(ep, cs, res)
			return cs.prepareResponse(ep, res), nil
		}
		d := cs.classifyError(err)
		next := g.nextAttempt(ep, cs, d)
		ep.release()
		if next == nil {
			return nil, cs.fail(d.err)
		}
		ep = next
	}
}

// Close ends active checks and look-ups, and closes each connection once it is idle.
// Requests in flight are completed, and further requests are still sent.
func (g *Group) Close() {
	if g.ctx.Err() != nil {
		return
	}
	g.stop()
	g.background.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, ep := range g.endpoints {
		ep.retire()
	}
	for _, t := range g.targets {
		g.metrics.release(g.config.Name, t.String())
	}
}

// updateUpGauge sets a target's gauge from the state of its endpoints. After Close it
// does nothing: the gauge belongs to the group that replaced this one.
func (g *Group) updateUpGauge(t *target) {
	if g.ctx.Err() != nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	up := 0.0
	for _, ep := range g.endpoints {
		if ep.target == t && ep.available() {
			up = 1
		}
	}
	t.metrics.up.Set(up)
}
