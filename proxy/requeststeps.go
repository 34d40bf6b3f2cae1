package proxy

import (
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/internal/httprule"
)

// step is one step of serving a request. If it returns an error, that becomes the response,
// and no further step runs. A step that has responded itself sets requestState.responded.
type step struct {
	name        string
	run         func(*requestState) error
	sideEffects bool // it may respond, or changes something outside the request: Explain skips it
}

// requestSteps returns the steps of every request, in order.
func (g *Gateway) requestSteps() []step {
	return []step{
		{name: "OPTIONS *", run: serveServerOptions, sideEffects: true},
		{name: "validate", run: validateRequest},
		{name: "route", run: g.route},
		{name: "own endpoint", run: g.serveEndpoint, sideEffects: true},
		{name: "cors", run: applyCORS, sideEffects: true},
		{name: "body", run: checkBody},
		{name: "upgrade", run: checkUpgrade},
		{name: "authenticate", run: g.authenticate},
		{name: "renew token", run: g.renewToken, sideEffects: true},
		{name: "rate limit", run: g.limitRate, sideEffects: true},
		{name: "requirements", run: checkRequirements},
		{name: "proof", run: g.checkProof, sideEffects: true},
		{name: "forward", run: g.forward, sideEffects: true},
	}
}

// ServeHTTP runs the steps.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rs := g.startRequest(w, r)
	defer g.endRequest(rs)
	for _, s := range g.steps {
		if err := s.run(rs); err != nil {
			rs.fail(err)
			return
		}
		if rs.responded {
			return
		}
	}
}

// startRequest returns the state of a new request, with its client address and request id.
func (g *Gateway) startRequest(w http.ResponseWriter, r *http.Request) *requestState {
	now := time.Now()
	rs := requestStates.Get().(*requestState)
	*rs = requestState{
		requestRecord: requestRecord{config: g.current.Load(), start: now, id: httprule.RequestID(r.Header), routeName: noRouteName},
		w:             w, r: r, writeDeadlineSet: now,
	}
	rs.setClientAddress()
	g.missingProxy.check(rs, g.Log)
	rs.streamDeadline = startStreamDeadline(w, r)
	if r.ContentLength != 0 {
		// For a body that is read without requestBody; requestBody extends the deadline.
		_ = http.NewResponseController(w).SetReadDeadline(now.Add(bodyIdleTimeout))
	}
	g.Metrics.inFlight.Inc()
	g.startSpan(rs)
	return rs
}

// endRequest records the request, unless it was hijacked: then the tunnel records it. A
// panic ends this request only; http.ErrAbortHandler aborts a response that has started.
func (g *Gateway) endRequest(rs *requestState) {
	if rs.hijacked {
		return
	}
	defer rs.streamDeadline.stop()
	panicked := recover()
	if panicked != nil && panicked != http.ErrAbortHandler {
		g.Log.Error("panic", zap.Any("panic", panicked), zap.String("request_id", rs.id), zap.Stack("stack"))
		if rs.status == 0 {
			rs.fail(internalError())
			panicked = nil
		}
		rs.gatewayError = internalError()
	}
	g.recordRequest(rs.completeRecord())
	if panicked != nil || rs.clientDisconnected() {
		panic(http.ErrAbortHandler)
	}
	if rs.reusable {
		*rs = requestState{}
		requestStates.Put(rs)
	}
}

var requestStates = sync.Pool{New: func() any { return new(requestState) }}

func internalError() *apierror.Error {
	return apierror.New(apierror.Internal, "something went wrong in the gateway")
}

// recordRequest records the request in the metrics, the trace and the access log.
func (g *Gateway) recordRequest(r *requestRecord) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	duration := time.Since(r.start)
	r.endSpan()
	g.Metrics.recordRequest(r, duration)
	g.access.write(r, duration)
}
