package upstream

import (
	"context"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// endpoint is one address that requests are sent to. A target has one, or,
// where its host's name stands for several addresses, one for each.
type endpoint struct {
	target       *target
	name         string   // tells it from the target's others
	dials        []string // host:port, tried in turn for each connection
	seed         uint64   // hash of its name, for rendezvous hashing
	weight       int
	timeout      time.Duration
	roundTripper atomic.Pointer[roundTripper]

	currentWeight int // of the weighted round robin, guarded by the group's lock

	inFlight  atomic.Int64
	unhealthy atomic.Bool // by the active checks
	ejection  ejection
	closes    closeHistory

	lastFailure atomic.Pointer[failure] // nil: none yet

	stop    context.CancelFunc // ends the active checks
	retired atomic.Bool
}

func newEndpoint(t *target, a address, c Config) *endpoint {
	ep := &endpoint{target: t, name: a.name, dials: a.dials, seed: hash(t.String() + " " + a.name), weight: max(t.Weight, 1)}
	ep.ejection.config = c.Eject
	ep.timeout = c.Timeout
	ep.roundTripper.Store(ep.newConnections())
	return ep
}

func (ep *endpoint) newConnections() *roundTripper {
	rt := newRoundTripper(ep.target, ep.dials, ep.timeout, &ep.closes)
	return &rt
}

// reconnect has further requests use new connections; requests under way
// finish on the old ones. An HTTP/2 connection to a host that has vanished
// would otherwise be used until TCP gives it up, a quarter of an hour later.
func (ep *endpoint) reconnect() {
	(*ep.roundTripper.Swap(ep.newConnections())).CloseIdleConnections()
}

// dropIdle closes the connections that no request uses.
func (ep *endpoint) dropIdle() { (*ep.roundTripper.Load()).CloseIdleConnections() }

// failure is what went wrong at an endpoint, for the operator.
type failure struct {
	reason string
	err    error
	at     time.Time
}

// noteFailure counts a failure and remembers it.
func (ep *endpoint) noteFailure(reason string, err error, now time.Time) {
	ep.target.metrics.failures[reason].Inc()
	ep.lastFailure.Store(&failure{reason: reason, err: err, at: now})
}

// moreLoadedThan compares the requests in flight for each unit of weight.
func (ep *endpoint) moreLoadedThan(other *endpoint) bool {
	return ep.inFlight.Load()*int64(other.weight) > other.inFlight.Load()*int64(ep.weight)
}

// acquire counts a request as in flight.
func (ep *endpoint) acquire() {
	ep.inFlight.Add(1)
	ep.target.metrics.inFlight.Inc()
}

// release ends what acquire began.
func (ep *endpoint) release() {
	ep.target.metrics.inFlight.Dec()
	if ep.inFlight.Add(-1) == 0 && ep.retired.Load() {
		ep.dropIdle()
	}
}

// retire ends the checks and closes each connection once it is idle.
func (ep *endpoint) retire() {
	ep.stop()
	ep.retired.Store(true)
	ep.dropIdle()
}

// available reports whether the endpoint gets its share of the requests.
func (ep *endpoint) available() bool {
	return !ep.unhealthy.Load() && ep.ejection.until.Load() == 0
}

func (ep *endpoint) logFields() []zap.Field {
	return []zap.Field{zap.Stringer("target", ep.target), zap.String("address", ep.dials[0])}
}
