package upstream

import (
	"context"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// endpoint is one address that requests are sent to. A target has one, or, if its
// host's name has several addresses, one for each address.
type endpoint struct {
	target       *target
	name         string   // unique within the target
	dialAddrs    []string // host:port; each connection tries them in turn
	nameHash     uint64   // of target and name, for rendezvous hashing
	weight       int
	timeout      time.Duration
	roundTripper atomic.Pointer[roundTripper]

	currentWeight int // of weighted round robin; guarded by the group's lock

	inFlight   atomic.Int64
	unhealthy  atomic.Bool // by the active checks
	ejection   ejection
	earlyClose earlyCloseDetector

	lastFailure atomic.Pointer[failure] // nil: none

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

// available reports whether the endpoint is healthy and not ejected.
func (ep *endpoint) available() bool {
	return !ep.unhealthy.Load() && ep.ejection.until.Load() == 0
}

func (ep *endpoint) logFields() []zap.Field {
	return []zap.Field{zap.Stringer("target", ep.target), zap.String("address", ep.dialAddrs[0])}
}
