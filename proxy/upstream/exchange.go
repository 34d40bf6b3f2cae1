package upstream

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// exchange is one request and its response on a connection.
type exchange struct {
	transport *http1Transport
	pc        *persistConn
	a         *attempts
	req       *http.Request
	keep      bool        // the backend keeps the connection
	body      *bodyWriter // nil: the request has none, or it went with the head

	canceler     *Canceler
	ownCanceler  Canceler    // where the caller has none
	stopWatching func() bool // the request's context; nil: the caller watches

	bodyReader bodyReader // of the response
	err        error      // that it has ended with
	done       atomic.Bool
}

// newExchange uses memory that a has, the first time: goroutines of an earlier
// exchange may still look at theirs.
func (a *attempts) newExchange(t *http1Transport, pc *persistConn) *exchange {
	x := &a.exchange
	if x.transport != nil {
		x = &exchange{}
	}
	x.transport, x.pc, x.a, x.req, x.canceler = t, pc, a, a.out, a.canceler
	if x.canceler == nil {
		x.canceler = &x.ownCanceler
		x.stopWatching = x.canceler.watch(a.ctx)
	}
	pc.startRequest(x.canceler)
	return x
}

// do writes the request and reads up to the final response's headers.
func (x *exchange) do(head []byte) (*Response, error) {
	if !x.canceler.attach(x.pc) {
		return nil, context.Canceled
	}
	if err := x.send(head); err != nil {
		return nil, err
	}
	res, err := x.readResponse()
	if err != nil {
		return nil, err
	}
	x.body.responseReceived()
	return res, x.attachBody(res)
}

// send writes the request, or has its body written while the response is awaited.
func (x *exchange) send(head []byte) error {
	if hasBody(x.req) && x.a.shortBody == nil {
		x.pc.setReadDeadline(time.Time{})
		if err := x.pc.checkIdle(); err != nil {
			return err
		}
		x.body = startBodyWriter(x, head)
		return nil
	}
	x.pc.extendReadDeadline(time.Now())
	return x.pc.send(head)
}

// readResponse reads responses until one that isn't interim (1xx).
func (x *exchange) readResponse() (*Response, error) {
	room := maxBeforeHeaders
	for range maxInterim {
		res := &x.a.response
		*res = Response{Header: x.a.fields[:0]}
		size, err := x.pc.readHead(res, min(room, maxHeaderBytes))
		if err != nil {
			return nil, err
		}
		if x.bodyReader.framing, err = parseFraming(res, x.req.Method); err != nil {
			return nil, err
		}
		if res.StatusCode >= 200 || res.StatusCode == http.StatusSwitchingProtocols {
			return res, nil
		}
		if err := x.interim(res); err != nil {
			return nil, err
		}
		room -= size
	}
	return nil, errInterim
}

// interim handles a 1xx response.
func (x *exchange) interim(res *Response) error {
	if res.StatusCode == http.StatusContinue {
		x.body.allowBody()
	}
	if x.a.interim == nil {
		return nil
	}
	return x.a.interim(res.StatusCode, res.Header)
}

// attachBody gives the response its body. Read to its end it returns the
// connection to the pool.
func (x *exchange) attachBody(res *Response) error {
	x.keep = !res.closeConn && !x.req.Close
	if res.StatusCode == http.StatusSwitchingProtocols {
		return x.upgrade(res)
	}
	b := &x.bodyReader
	b.pc, b.res, b.remaining = x.pc, res, res.ContentLength
	switch {
	case b.framing == noBody:
		res.Body = http.NoBody
		x.releaseConn(true)
		return nil
	case b.framing == chunked:
		b.remaining = 0
	}
	if b.framing != fixedLength || int64(len(x.pc.buffered())) < b.remaining {
		x.pc.setReadDeadline(time.Time{}) // what comes after the headers may take its time
	}
	res.Body = x
	return nil
}

// Read reads the response's body.
func (x *exchange) Read(p []byte) (int, error) {
	if x.done.Load() {
		return 0, x.err
	}
	n, err := x.bodyReader.read(p)
	if err != nil {
		x.err = err
		x.releaseConn(err == io.EOF)
	}
	return n, err
}

// Close before the end earlyClose the connection: the rest is not waited for.
func (x *exchange) Close() error {
	x.releaseConn(false)
	return nil
}

// end is called once the connection isn't threshold any more. Whole says that the
// response was read to its end.
func (x *exchange) releaseConn(whole bool) {
	if x.done.Swap(true) {
		return
	}
	if !whole && x.err == nil {
		x.err = errBodyClosed
	}
	if x.stopWatching != nil {
		x.stopWatching()
	}
	// After this the connection is this goroutine's alone, or Cancel has had it.
	mine := x.canceler.detach(x.pc)
	if mine && whole && x.keep && x.body.waitSent() && len(x.pc.buffered()) == 0 {
		x.transport.pool.release(x.pc)
		return
	}
	x.pc.Close()
}

// reusable reports whether the exchange is over and no other goroutine refers to it.
func (x *exchange) reusable() bool {
	return x.done.Load() && x.body == nil && x.stopWatching == nil
}
