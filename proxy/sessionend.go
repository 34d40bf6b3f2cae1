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

// errSessionEnded is why a stream or a socket was cut: its session has ended.
// No client gets it as an answer to a request that a backend has seen.
var errSessionEnded = apierror.New(apierror.SessionEnded, "the session has ended, log in again")

const (
	// streamGrace is how long an answer of unknown length may go on once its
	// session has ended: a page that is sent in chunks comes to its end, a
	// stream is cut within the second that a session's end may take.
	streamGrace = 500 * time.Millisecond

	// defaultFinish bounds a request whose route has no timeout.
	defaultFinish = 30 * time.Second
)

// sessionEnd decides what a session's end means to a request under way.
//
// Once a backend has seen a request, answering it with 401 would make the
// client log in and send it again: one order would become two. So the request
// is let finish, within the route's timeout. What has no end of its own is cut.
type sessionEnd struct {
	cancel context.CancelCauseFunc
	watch  session.Watch

	mu      sync.Mutex
	ended   bool
	started bool          // the answer has begun, and is a stream
	limit   time.Duration // from the session's end on, or from the answer's beginning
	timer   *time.Timer
}

// watchSession follows the session of a request, which an anonymous one hasn't.
func (g *Gateway) watchSession(rc *requestContext, f *outboundRequest) {
	if rc.authenticated {
		f.session.begin(rc.r.Header.Get("Content-Type"), rc.route.Timeout, f.kept.cancel)
		f.session.watch = g.Sessions.Watch(rc.auth, f.kept.sessionEnded)
	}
}

// terminateOnSessionEnd closes a WebSocket's tunnel when the session of its request
// ends. A session that ends during the handshake closes the tunnel as soon as it is
// open: the backend has seen the handshake, so the response must be no 401.
func (g *Gateway) terminateOnSessionEnd(rc *requestContext, t *tunnel) (stop func()) {
	if !rc.authenticated {
		return func() {}
	}
	watch := g.Sessions.Watch(rc.auth, func() { t.terminate(errSessionEnded) })
	return func() { watch.Stop() }
}

// begin takes the type of the request's body, and the time for the whole request.
func (e *sessionEnd) begin(contentType string, timeout time.Duration, cancel context.CancelCauseFunc) {
	e.cancel, e.limit = cancel, timeout
	switch {
	case isGRPC(contentType):
		e.limit = 0
	case timeout <= 0:
		e.limit = defaultFinish
	}
}

// isGRPC: a call in which both sides may go on for ever.
func isGRPC(contentType string) bool { return strings.HasPrefix(contentType, "application/grpc") }

func (e *sessionEnd) sessionEnded() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = true
	e.arm()
}

// responseStarted is told what kind of answer comes.
func (e *sessionEnd) responseStarted(res *upstream.Response) {
	e.mu.Lock()
	defer e.mu.Unlock()
	contentType := res.Header.Get("Content-Type")
	switch {
	case isEventStream(contentType) || isGRPC(contentType):
		e.limit = 0
	case res.ContentLength < 0:
		e.limit = streamGrace
	default:
		return // the time for the whole request goes on
	}
	e.started = true
	if e.ended {
		e.arm()
	}
}

// arm starts the time that is left; mu is held.
func (e *sessionEnd) arm() {
	if e.timer != nil {
		e.timer.Stop()
	}
	reason := errSessionEnded
	if !e.started {
		reason = unfinishedError()
	}
	if e.limit == 0 {
		e.cancel(reason)
		return
	}
	e.timer = time.AfterFunc(e.limit, func() { e.cancel(reason) })
}

// unfinishedError answers a request that a backend has seen and did not answer
// in the time that the session's end leaves. It is no 401, and no client and no
// load balancer repeats it by itself.
func unfinishedError() *apierror.Error {
	return apierror.New(apierror.UpstreamTimeout, "the session ended before the backend answered").WithCause(errSessionEnded)
}

// stop reports whether the session had not ended, so that nothing comes of that
// any more.
func (e *sessionEnd) stop() (inTime bool) {
	inTime = e.watch.Stop()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.timer != nil {
		e.timer.Stop()
	}
	return inTime
}
