package upstream

import (
	"context"
	"net"
	"sync"
	"time"
)

// http1Transport sends requests over HTTP/1.1 without TLS, the usual protocol to a
// backend in the same network. It uses the caller's goroutine: http.Transport has two
// goroutines per connection and passes every request and response through channels,
// which costs more than all the rest of forwarding.
type http1Transport struct {
	dial       func(ctx context.Context, network, addr string) (net.Conn, error)
	timeout    time.Duration // until a response's headers
	earlyClose *earlyCloseDetector
	pool       connPool
}

// headBuffers are buffers for the heads of requests.
var headBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 2<<10); return &b }}

// roundTrip sends the request and reads the response up to the end of its headers.
// While idle connections turn out to be stale before anything was written, it tries the
// next one.
func (t *http1Transport) roundTrip(cs *callState) (*Response, error) {
	buf := headBuffers.Get().(*[]byte)
	defer headBuffers.Put(buf)
	head, err := appendRequestHead((*buf)[:0], cs.out, cs.header, cs.shortBody)
	if err != nil || !validTrailerNames(cs.out.Trailer) {
		return nil, errHeader
	}
	head = append(head, cs.shortBody...)
	*buf = head[:0]
	for {
		pc, err := t.getConn(cs)
		if err != nil {
			return nil, err
		}
		e := cs.newExchange(t, pc)
		res, err := e.roundTrip(head)
		if err == nil {
			return res, nil
		}
		cs.responseStarted.Store(pc.received)
		e.releaseConn(false)
		if err != errStaleConn || !pc.reused {
			return nil, err
		}
		t.earlyClose.suspectEarlyClose()
	}
}

// getConn returns an idle connection that the request may use, or a new one.
func (t *http1Transport) getConn(cs *callState) (*persistConn, error) {
	pc := t.acquireIdleConn(cs)
	if pc == nil {
		cs.attemptConn = attemptConn{connRequested: true} // without a stale connection that was tried before
		nc, err := t.dial(cs.ctx, "tcp", "")
		if err != nil {
			return nil, err
		}
		pc = newPersistConn(nc, t.timeout)
	}
	cs.attemptConn = attemptConn{connRequested: true, connected: true, reused: pc.reused, persistConn: pc}
	return pc, nil
}
