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
	dialAddrs    []string // host:port, tried in turn for each connection
	nameHash     uint64   // hash of its name, for rendezvous hashing
	weight       int
	timeout      time.Duration
	roundTripper atomic.Pointer[roundTripper]

	currentWeight int // of the weighted round robin, guarded by the group's lock

	inFlight   atomic.Int64
	unhealthy  atomic.Bool // by the active checks
	ejection   ejection
	earlyClose earlyCloseDetector

	lastFailure atomic.Pointer[failure] // nil: none yet

	stop    context.CancelFunc // ends the active checks
	retired atomic.Bool
}

func newEndpoint(t *target, a address, c Config) *endpoint {
	ep := &endpoint{target: t, name: a.name, dialAddrs: a.dialAddrs, nameHash: hash(t.String() + " " + a.name), weight: max(t.Weight, 1)}
	ep.ejection.config = c.Eject
	ep.timeout = c.Timeout
	ep.roundTripper.Store(ep.newRoundTripper())
	return ep
}

func (ep *endpoint) newRoundTripper() *roundTripper {
	rt := newRoundTripper(ep.target, ep.dialAddrs, ep.timeout, &ep.earlyClose)
	return &rt
}

// replaceConnections has further requests use new connections; requests under way
// finish on the old ones. An HTTP/2 connection to a host that has vanished
// would otherwise be used until TCP gives it up, a quarter of an hour later.
func (ep *endpoint) replaceConnections() {
	(*ep.roundTripper.Swap(ep.newRoundTripper())).CloseIdleConnections()
}

// closeIdle earlyClose the connections that no request uses.
func (ep *endpoint) closeIdle() { (*ep.roundTripper.Load()).CloseIdleConnections() }

// failure is what went wrong at an endpoint, for the operator.
type failure struct {
	reason string
	err    error
	at     time.Time
}

// recordFailure counts a failure and remembers it.
func (ep *endpoint) recordFailure(reason string, err error, now time.Time) {
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
		ep.closeIdle()
	}
}

// retire ends the checks and earlyClose each connection once it is idle.
func (ep *endpoint) retire() {
	ep.stop()
	ep.retired.Store(true)
	ep.closeIdle()
}

// available reports whether the endpoint gets its share of the requests.
func (ep *endpoint) available() bool {
	return !ep.unhealthy.Load() && ep.ejection.until.Load() == 0
}

func (ep *endpoint) logFields() []zap.Field {
	return []zap.Field{zap.Stringer("target", ep.target), zap.String("address", ep.dialAddrs[0])}
}
