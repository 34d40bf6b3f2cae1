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
	call      *callState
	req       *http.Request
	keepAlive bool        // both sides keep the connection open after the response
	body      *bodyWriter // of the request; nil: no body, or a short one, sent with the head

	canceler     *Canceler
	ownCanceler  Canceler    // used if the Call has none
	stopWatching func() bool // stops watching the request's context; nil: it isn't watched

	bodyReader bodyReader  // of the response
	err        error       // of Read after the end
	ended      atomic.Bool // the connection is released or handed over
}

// newExchange begins an exchange on the connection. The first of a call uses the call's
// memory; later ones must not, since goroutines of the first may still use it.
func (cs *callState) newExchange(t *http1Transport, pc *persistConn) *exchange {
	e := &cs.exchange
	if e.transport != nil {
		e = &exchange{}
	}
	e.transport, e.pc, e.call, e.req, e.canceler = t, pc, cs, cs.out, cs.canceler
	if e.canceler == nil {
		e.canceler = &e.ownCanceler
		e.stopWatching = e.canceler.watch(cs.ctx)
	}
	pc.startRequest(e.canceler)
	return e
}

// roundTrip writes the request and reads the response up to the end of its headers.
func (e *exchange) roundTrip(head []byte) (*Response, error) {
	if !e.canceler.attach(e.pc) {
		return nil, context.Canceled
	}
	if err := e.sendRequest(head); err != nil {
		return nil, err
	}
	res, err := e.readResponse()
	if err != nil {
		return nil, err
	}
	e.body.responseReceived()
	return res, e.setBody(res)
}

// sendRequest writes the request. A body that isn't short is sent by a bodyWriter while
// the response is awaited.
func (e *exchange) sendRequest(head []byte) error {
	if hasBody(e.req) && e.call.shortBody == nil {
		e.pc.setReadDeadline(time.Time{})
		if err := e.pc.checkIdle(); err != nil {
			return err
		}
		e.body = startBodyWriter(e, head)
		return nil
	}
	e.pc.extendReadDeadline(time.Now())
	return e.pc.send(head)
}

// readResponse reads interim responses and the head of the final one.
func (e *exchange) readResponse() (*Response, error) {
	remaining := maxBeforeHeaders
	for range maxInterim {
		res := &e.call.response
		*res = Response{Header: e.call.fields[:0]}
		size, err := e.pc.readHead(res, min(remaining, maxHeaderBytes))
		if err != nil {
			return nil, err
		}
		if e.bodyReader.framing, err = parseFraming(res, e.req.Method); err != nil {
			return nil, err
		}
		if res.StatusCode >= 200 || res.StatusCode == http.StatusSwitchingProtocols {
			return res, nil
		}
		if err := e.handleInterim(res); err != nil {
			return nil, err
		}
		remaining -= size
	}
	return nil, errInterim
}

// handleInterim handles a 1xx response.
func (e *exchange) handleInterim(res *Response) error {
	if res.StatusCode == http.StatusContinue {
		e.body.allowBody()
	}
	if e.call.interim == nil {
		return nil
	}
	return e.call.interim(res.StatusCode, res.Header)
}

// setBody sets the response's body. Once it has been read to its end, the connection is
// released to the pool.
func (e *exchange) setBody(res *Response) error {
	e.keepAlive = !res.closeConn && !e.req.Close
	if res.StatusCode == http.StatusSwitchingProtocols {
		return e.upgrade(res)
	}
	b := &e.bodyReader
	b.pc, b.res, b.remaining = e.pc, res, res.ContentLength
	switch {
	case b.framing == noBody:
		res.Body = http.NoBody
		e.releaseConn(true)
		return nil
	case b.framing == chunked:
		b.remaining = 0
	}
	if b.framing != fixedLength || int64(len(e.pc.buffered())) < b.remaining {
		e.pc.setReadDeadline(time.Time{}) // the timeout ends with the headers
	}
	res.Body = e
	return nil
}

// Read reads the response's body.
func (e *exchange) Read(p []byte) (int, error) {
	if e.ended.Load() {
		return 0, e.err
	}
	n, err := e.bodyReader.read(p)
	if err != nil {
		e.err = err
		e.releaseConn(err == io.EOF)
	}
	return n, err
}

// Close closes the body. Before its end that closes the connection: the rest of the
// response isn't read.
func (e *exchange) Close() error {
	e.releaseConn(false)
	return nil
}

// releaseConn ends the exchange: the connection goes to the pool if it can be used
// again, else it is closed. complete means that the response was read to its end.
func (e *exchange) releaseConn(complete bool) {
	if e.ended.Swap(true) {
		return
	}
	if !complete && e.err == nil {
		e.err = errBodyClosed
	}
	if e.stopWatching != nil {
		e.stopWatching()
	}
	// From here on Cancel can't abort the connection, or it has already done so.
	owned := e.canceler.detach(e.pc)
	if owned && complete && e.keepAlive && e.body.waitSent() && len(e.pc.buffered()) == 0 {
		e.transport.pool.release(e.pc)
		return
	}
	e.pc.Close()
}

// reusable reports whether the exchange is over and no other goroutine refers to it.
func (e *exchange) reusable() bool {
	return e.ended.Load() && e.body == nil && e.stopWatching == nil
}
