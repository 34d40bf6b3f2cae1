package proxy

import (
	"context"
	"strings"
	"sync"
	"time"

	"wxgate/apierror"
	"wxgate/proxy/upstream"
	"wxgate/session"
)

// errSessionEnded is the logged reason for closing a stream or a WebSocket whose session
// has ended. It is never the response to a request that a backend has seen.
var errSessionEnded = apierror.New(apierror.SessionEnded, "the session has ended, log in again")

const (
	// streamEndGrace is how long a response of unknown length may continue after its
	// session has ended. A page that is sent in chunks completes in that time, and a
	// stream is aborted within one second of the session's end.
	streamEndGrace = 500 * time.Millisecond

	// defaultFinishTimeout is used if the route has no timeout.
	defaultFinishTimeout = 30 * time.Second
)

// sessionEnd handles the end of the session of a request in flight.
//
// If the backend has received the request, a 401 would make the client log in and repeat
// it: one order would become two. Therefore the request may finish within the route's
// timeout. Streams, which do not finish by themselves, are aborted.
type sessionEnd struct {
	cancel context.CancelCauseFunc
	watch  session.Watcher

	mu        sync.Mutex
	ended     bool
	streaming bool          // the response has started, and is a stream
	limit     time.Duration // after the session's end, or after the start of the response if that is later
	timer     *time.Timer
}

// watchSession watches the session of an authenticated request.
func (g *Gateway) watchSession(rs *requestState, o *outboundRequest) {
	if rs.authenticated {
		o.sessionEnd.start(rs.r.Header.Get("Content-Type"), rs.route.Timeout, o.funcs.cancel)
		o.sessionEnd.watch = g.Sessions.Watch(rs.auth, o.funcs.sessionEnded)
	}
}

// terminateOnSessionEnd closes a WebSocket's tunnel when the session of its request
// ends. A session that ends during the handshake closes the tunnel as soon as it is
// open: the backend has seen the handshake, so that the response must not be a 401.
func (g *Gateway) terminateOnSessionEnd(rs *requestState, t *tunnel) (stop func()) {
	if !rs.authenticated {
		return func() {}
	}
	watch := g.Sessions.Watch(rs.auth, func() { t.terminate(errSessionEnded) })
	return func() { watch.Stop() }
}

// start sets the limit by the Content-Type of the request and the route's timeout.
func (e *sessionEnd) start(contentType string, timeout time.Duration, cancel context.CancelCauseFunc) {
	e.cancel, e.limit = cancel, timeout
	switch {
	case isGRPC(contentType):
		e.limit = 0
	case timeout <= 0:
		e.limit = defaultFinishTimeout
	}
}

// isGRPC reports whether the Content-Type is that of a gRPC call, in which either side may
// stream without end.
func isGRPC(contentType string) bool { return strings.HasPrefix(contentType, "application/grpc") }

// sessionEnded is called by the session's watch.
func (e *sessionEnd) sessionEnded() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = true
	e.startTimer()
}

// responseStarted sets the limit for a response that is a stream.
func (e *sessionEnd) responseStarted(res *upstream.Response) {
	e.mu.Lock()
	defer e.mu.Unlock()
	contentType := res.Header.Get("Content-Type")
	switch {
	case isEventStream(contentType) || isGRPC(contentType):
		e.limit = 0
	case res.ContentLength < 0:
		e.limit = streamEndGrace
	default:
		return // a response of known length keeps the limit of the request
	}
	e.streaming = true
	if e.ended {
		e.startTimer()
	}
}

// startTimer cancels the request after the limit. The caller holds mu.
func (e *sessionEnd) startTimer() {
	if e.timer != nil {
		e.timer.Stop()
	}
	reason := errSessionEnded
	if !e.streaming {
		reason = sessionEndedTimeout()
	}
	if e.limit == 0 {
		e.cancel(reason)
		return
	}
	e.timer = time.AfterFunc(e.limit, func() { e.cancel(reason) })
}

// sessionEndedTimeout is the error of a request whose backend did not respond within the
// limit after the session's end. A 504 is neither a 401, after which clients log in, nor
// a status after which load balancers repeat a request.
func sessionEndedTimeout() *apierror.Error {
	return apierror.New(apierror.UpstreamTimeout, "the session ended before the backend responded").WithCause(errSessionEnded)
}

// stop ends the watch. It reports whether the session was still active: sessionEnded is
// not running then, and will not be called.
func (e *sessionEnd) stop() (stopped bool) {
	stopped = e.watch.Stop()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.timer != nil {
		e.timer.Stop()
	}
	return stopped
}
