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

// Group is one route's backends. It is safe for concurrent use.
type Group struct {
	config      Config
	metrics     *Metrics
	log         *zap.Logger
	retryBudget retryBudget
	targets     []*target

	now                               func() time.Time
	lookup                            func(ctx context.Context, host string) ([]netip.Addr, error)
	lookupInterval, minLookupInterval time.Duration

	ctx        context.Context // of checks and look-ups; ended by Close
	stop       context.CancelFunc
	background sync.WaitGroup

	mu           sync.Mutex  // guards what follows and each endpoint's current weight
	endpoints    []*endpoint // replaced, never changed
	candidateBuf []*endpoint // of candidates
}

// New opens a group and starts its checks. It reads the certificate files and
// waits for nothing else: targets count as healthy until they are found not to
// be. Nil metrics or a nil log are kept to itself. The error names what is
// wrong with the configuration.
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

// Do sends a request to a target and, where that fails and may be repeated, to
// others. Errors are the sentinels of this package, those of the request's context
// and body, or the network's.
//
// A request may reach a target more than once only when its method is GET,
// HEAD, OPTIONS, PUT or DELETE, it has no body, and its connection broke
// before anything of a response came.
func (g *Group) Do(c *Call) (*Response, error) {
	a := newAttempts(g, c)
	if err := a.prepareBody(); err != nil {
		return nil, a.fail(err)
	}
	a.startedAt = g.now() // the client's time for its body isn't the targets'
	g.retryBudget.deposit()
	ep, err := g.pick(a)
	if err != nil {
		return nil, a.fail(err)
	}
	for {
		res, err := a.send(ep)
		if err == nil {
			g.recordResponse(ep, a, res)
			return a.deliver(ep, res), nil
		}
		d := a.classifyError(err)
		next := g.nextAttempt(ep, a, d)
		ep.release()
		if next == nil {
			return nil, a.fail(d.err)
		}
		ep = next
	}
}

// pick chooses an endpoint that was not tried and counts the request as in flight
// there.
func (g *Group) pick(a *attempts) (*endpoint, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	candidates := g.candidates(a)
	if len(candidates) == 0 {
		return nil, ErrNoHealthy
	}
	ep := choose(g.config.Balance, a.hashKey, candidates)
	ep.ejection.recordSent(a.startedAt)
	ep.acquire()
	return ep, nil
}

// candidates lists the endpoints that may be asked. Where ejection leaves none,
// ejection is disregarded: a backend that might answer is better than none, and
// its first good response ends its ejection.
func (g *Group) candidates(a *attempts) []*endpoint {
	g.candidateBuf = g.candidateBuf[:0]
	for _, ep := range g.endpoints {
		if ep.ejection.allows(a.startedAt) && a.mayTry(ep) {
			g.candidateBuf = append(g.candidateBuf, ep)
		}
	}
	if len(g.candidateBuf) > 0 {
		return g.candidateBuf
	}
	for _, ep := range g.endpoints {
		if a.mayTry(ep) {
			g.candidateBuf = append(g.candidateBuf, ep)
		}
	}
	return g.candidateBuf
}

func (a *attempts) mayTry(ep *endpoint) bool {
	return !ep.unhealthy.Load() && !slices.Contains(a.tried, ep)
}

// recordResponse counts a response as a success or a failure of its endpoint.
func (g *Group) recordResponse(ep *endpoint, a *attempts, res *Response) {
	switch res.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		ep.recordFailure(reasonStatus, fmt.Errorf("status %d", res.StatusCode), g.now())
		g.countFailure(ep, a)
	default:
		if a.reused {
			ep.earlyClose.recordReuse()
		}
		if !ep.ejection.hasNoFailures() {
			g.countSuccess(ep, a)
		}
	}
}

func (g *Group) countSuccess(ep *endpoint, a *attempts) {
	if ep.ejection.recordSuccess(a.startedAt, g.now()) {
		g.log.Info("target is no longer ejected", ep.logFields()...)
		g.updateUpGauge(ep.target)
	}
}

func (g *Group) countFailure(ep *endpoint, a *attempts) {
	if ep.ejection.recordFailure(a.startedAt, g.now()) {
		g.log.Warn("target ejected", append(ep.logFields(), zap.Time("until", ep.ejection.ejectedUntil()))...)
		g.updateUpGauge(ep.target)
	}
}

// Close ends checks and look-ups and earlyClose each connection once it is idle.
// Requests under way, and those that still come, are carried out.
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

// updateUpGauge sets the gauge of a target from its endpoints. A closed group
// leaves it to the group that has replaced it.
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
