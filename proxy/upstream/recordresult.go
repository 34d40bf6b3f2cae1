package upstream

import (
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"
)

// recordResponse counts a response as a success or a failure of its endpoint.
func (g *Group) recordResponse(ep *endpoint, cs *callState, res *Response) {
	switch res.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		ep.recordFailure(reasonStatus, fmt.Errorf("status %d", res.StatusCode), g.now())
		g.countFailure(ep, cs)
	default:
		if cs.reused {
			ep.earlyClose.recordReuse()
		}
		if !ep.ejection.hasNoFailures() {
			g.countSuccess(ep, cs)
		}
	}
}

// countSuccess counts a success for the endpoint's ejection.
func (g *Group) countSuccess(ep *endpoint, cs *callState) {
	if ep.ejection.recordSuccess(cs.startedAt, g.now()) {
		g.log.Info("target is no longer ejected", ep.logFields()...)
		g.updateUpGauge(ep.target)
	}
}

// countFailure counts a failure for the endpoint's ejection.
func (g *Group) countFailure(ep *endpoint, cs *callState) {
	if ep.ejection.recordFailure(cs.startedAt, g.now()) {
		g.log.Warn("target ejected", append(ep.logFields(), zap.Time("until", ep.ejection.ejectedUntil()))...)
		g.updateUpGauge(ep.target)
	}
}

// failure is the last failure of an endpoint, for Status.
type failure struct {
	reason string
	err    error
	at     time.Time
}

// recordFailure counts a failure in the metrics and stores it for Status.
func (ep *endpoint) recordFailure(reason string, err error, now time.Time) {
	ep.target.metrics.failures[reason].Inc()
	ep.lastFailure.Store(&failure{reason: reason, err: err, at: now})
}
