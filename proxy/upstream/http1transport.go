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
func (t *http1Transport) roundTrip(a *attempts) (*Response, error) {
	buf := headBuffers.Get().(*[]byte)
	defer headBuffers.Put(buf)
	head, err := appendRequestHead((*buf)[:0], a.out, a.header, a.shortBody)
	if err != nil || !validTrailerNames(a.out.Trailer) {
		return nil, errHeader
	}
	head = append(head, a.shortBody...)
	*buf = head[:0]
	for {
		pc, err := t.getConn(a)
		if err != nil {
			return nil, err
		}
		x := a.newExchange(t, pc)
		res, err := x.roundTrip(head)
		if err == nil {
			return res, nil
		}
		a.responseStarted.Store(pc.received)
		x.releaseConn(false)
		if err != errStaleConn || !pc.reused {
			return nil, err
		}
		t.earlyClose.suspect()
	}
}

// getConn returns an idle connection that the request may use, or a new one.
func (t *http1Transport) getConn(a *attempts) (*persistConn, error) {
	pc := t.acquireIdleConn(a)
	if pc == nil {
		a.attemptConn = attemptConn{connRequested: true} // without a stale connection that was tried before
		nc, err := t.dial(a.ctx, "tcp", "")
		if err != nil {
			return nil, err
		}
		pc = newPersistConn(nc, t.timeout)
	}
	a.attemptConn = attemptConn{connRequested: true, connected: true, reused: pc.reused, persistConn: pc}
	return pc, nil
}
