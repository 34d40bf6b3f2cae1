package upstream

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// exchange is one request and its response on a persistConn. It is also the response's
// body.
type exchange struct {
	transport *http1Transport
	pc        *persistConn
	a         *attempts
	req       *http.Request
	keepAlive bool        // the backend keeps the connection open after the response
	body      *bodyWriter // nil: no body, or it was sent with the head

	canceler     *Canceler
	ownCanceler  Canceler    // if the Call has none
	stopWatching func() bool // stops watching the request's context; nil: it isn't watched

	bodyReader bodyReader // of the response
	err        error      // of Read after the end
	done       atomic.Bool
}

// newExchange begins an exchange on the connection. The first of a call uses the call's
// memory; later ones must not, since goroutines of the first may still use it.
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

// roundTrip writes the request and reads the response up to the end of its headers.
func (x *exchange) roundTrip(head []byte) (*Response, error) {
	if !x.canceler.attach(x.pc) {
		return nil, context.Canceled
	}
	if err := x.sendRequest(head); err != nil {
		return nil, err
	}
	res, err := x.readResponse()
	if err != nil {
		return nil, err
	}
	x.body.responseReceived()
	return res, x.setBody(res)
}

// sendRequest writes the request. A body that isn't short is sent by a bodyWriter while
// the response is awaited.
func (x *exchange) sendRequest(head []byte) error {
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

// readResponse reads interim responses and the head of the final one.
func (x *exchange) readResponse() (*Response, error) {
	remaining := maxBeforeHeaders
	for range maxInterim {
		res := &x.a.response
		*res = Response{Header: x.a.fields[:0]}
		size, err := x.pc.readHead(res, min(remaining, maxHeaderBytes))
		if err != nil {
			return nil, err
		}
		if x.bodyReader.framing, err = parseFraming(res, x.req.Method); err != nil {
			return nil, err
		}
		if res.StatusCode >= 200 || res.StatusCode == http.StatusSwitchingProtocols {
			return res, nil
		}
		if err := x.handleInterim(res); err != nil {
			return nil, err
		}
		remaining -= size
	}
	return nil, errInterim
}

// handleInterim handles a 1xx response.
func (x *exchange) handleInterim(res *Response) error {
	if res.StatusCode == http.StatusContinue {
		x.body.allowBody()
	}
	if x.a.interim == nil {
		return nil
	}
	return x.a.interim(res.StatusCode, res.Header)
}

// setBody sets the response's body. Once it has been read to its end, the connection is
// released to the pool.
func (x *exchange) setBody(res *Response) error {
	x.keepAlive = !res.closeConn && !x.req.Close
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
		x.pc.setReadDeadline(time.Time{}) // the timeout ends with the headers
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

// Close closes the body. Before its end that closes the connection: the rest of the
// response isn't read.
func (x *exchange) Close() error {
	x.releaseConn(false)
	return nil
}

// releaseConn ends the exchange: the connection goes to the pool if it can be used
// again, else it is closed. complete says that the response was read to its end.
func (x *exchange) releaseConn(complete bool) {
	if x.done.Swap(true) {
		return
	}
	if !complete && x.err == nil {
		x.err = errBodyClosed
	}
	if x.stopWatching != nil {
		x.stopWatching()
	}
	// From here on Cancel can't abort the connection, or it has already done so.
	owned := x.canceler.detach(x.pc)
	if owned && complete && x.keepAlive && x.body.waitSent() && len(x.pc.buffered()) == 0 {
		x.transport.pool.release(x.pc)
		return
	}
	x.pc.Close()
}

// reusable reports whether the exchange is over and no other goroutine refers to it.
func (x *exchange) reusable() bool {
	return x.done.Load() && x.body == nil && x.stopWatching == nil
}
