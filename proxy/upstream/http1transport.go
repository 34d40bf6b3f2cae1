package upstream

import (
	"context"
	"net"
	"sync"
	"time"
)

// http1Transport sends requests over HTTP/1.1 without TLS, each in its caller's own
// goroutine: the usual way to a backend in the same network. http.Transport
// keeps two goroutines for each connection and passes every request and response
// through channels, which costs more than all the rest of forwarding.
type http1Transport struct {
	dial       func(ctx context.Context, network, addr string) (net.Conn, error)
	timeout    time.Duration // until a response's headers
	earlyClose *earlyCloseDetector
	pool       connPool
}

// headBuffers are buffers for request headBuffers.
var headBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 2<<10); return &b }}

// roundTrip sends a's request and reads the headers of its response.
func (t *http1Transport) roundTrip(a *attempts) (*Response, error) {
	buf := headBuffers.Get().(*[]byte)
	defer headBuffers.Put(buf)
	head, err := appendRequestHead((*buf)[:0], a.out, a.header, a.shortBody)
	if err != nil || !validTrailerNames(a.out.Trailer) {
		return nil, errHeader
	}
	head = append(head, a.shortBody...)
	*buf = head[:0]
	a.connRequested = true
	for {
		pc, err := t.getConn(a)
		if err != nil {
			return nil, err
		}
		x := a.newExchange(t, pc)
		res, err := x.do(head)
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

// getConn returns an idle connection that the request may use, else a new one.
func (t *http1Transport) getConn(a *attempts) (*persistConn, error) {
	pc := t.acquireIdleConn(a)
	if pc == nil {
		nc, err := t.dial(a.ctx, "tcp", "")
		if err != nil {
			return nil, err
		}
		pc = newPersistConn(nc, t.timeout)
	}
	a.attemptConn = attemptConn{connRequested: true, connected: true, reused: pc.reused, persistConn: pc}
	return pc, nil
}
