package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"
	"time"
)

// http1 sends requests over HTTP/1.1 without TLS, each in its caller's own
// goroutine: the usual way to a backend in the same network. http.Transport
// keeps two goroutines for each connection and passes every request and response
// through channels, which costs more than all the rest of forwarding.
//
// Responses are parsed by http.ReadResponse, as http.Transport does.
type http1 struct {
	dial    func(ctx context.Context, network, addr string) (net.Conn, error)
	timeout time.Duration // until a response's headers
	closes  *closeHistory
	pool    connPool
}

// persistConn is a connection with its buffers.
type persistConn struct {
	*trackedConn
	r      *bufio.Reader
	w      *bufio.Writer
	idleAt time.Time // when it became idle
}

const connBufferSize = 4 << 10

// errHeader is the caller's mistake: nothing was sent.
var errHeader = errors.New("a header of the request can't be sent")

// roundTrip sends a's request and reads the headers of its response.
func (h *http1) roundTrip(a *attempts) (*http.Response, error) {
	head, err := newHead(a.out)
	if err != nil {
		return nil, err
	}
	a.connRequested = true
	c, err := h.getConn(a)
	if err != nil {
		return nil, err
	}
	x := &exchange{h: h, c: c, req: a.out, ctx: a.ctx}
	x.stopWatching = context.AfterFunc(a.ctx, c.abort)
	res, err := x.do(head)
	if err != nil {
		a.responseStarted.Store(c.read.Load() > 0)
		x.end(false)
		return nil, err
	}
	return res, nil
}

// CloseIdleConnections closes what no request uses.
func (h *http1) CloseIdleConnections() { h.pool.closeAll() }

// getConn returns an idle connection that the request may use, else a new one.
func (h *http1) getConn(a *attempts) (*persistConn, error) {
	for c := h.idleConn(a); c != nil; c = h.idleConn(a) {
		a.attemptConn = attemptConn{connRequested: true, connected: true, reused: true, conn: c.trackedConn}
		c.beginRequest()
		if c.idleClean() {
			return c, nil
		}
		c.Close()
		h.closes.suspect()
	}
	nc, err := h.dial(a.ctx, "tcp", "")
	if err != nil {
		return nil, err
	}
	c := &persistConn{trackedConn: nc.(*trackedConn), r: bufio.NewReaderSize(nc, connBufferSize), w: bufio.NewWriterSize(nc, connBufferSize)}
	a.attemptConn = attemptConn{connRequested: true, connected: true, conn: c.trackedConn}
	c.beginRequest()
	return c, nil
}

// pastDeadline ends what waits for the connection now.
var pastDeadline = time.Unix(1, 0)

// abort ends what is under way on the connection.
func (c *persistConn) abort() { _ = c.SetDeadline(pastDeadline) }

// exchange is one request and its response on a connection.
type exchange struct {
	h            *http1
	c            *persistConn
	req          *http.Request
	ctx          context.Context
	stopWatching func() bool // the request's context
	body         *bodyWriter // nil: none
	keep         bool        // the backend keeps the connection
	once         sync.Once
}

// do writes the request and reads up to the final response's headers.
func (x *exchange) do(head head) (*http.Response, error) {
	if err := head.write(x.c.w); err != nil {
		return nil, err
	}
	if hasBody(x.req) {
		x.body = startBodyWriter(x, head.chunked)
	} else {
		if err := x.c.w.Flush(); err != nil {
			return nil, err
		}
		x.setReadDeadline(time.Now().Add(x.h.timeout))
	}
	res, err := x.final()
	if err != nil {
		return nil, err
	}
	x.c.headReceived()
	x.body.responseCame()
	x.setReadDeadline(time.Time{})
	x.attachBody(res)
	return res, nil
}

// setReadDeadline sets the deadline for reading, without undoing an abort.
func (x *exchange) setReadDeadline(t time.Time) {
	_ = x.c.SetReadDeadline(t)
	if x.ctx.Err() != nil {
		x.c.abort()
	}
}

// final reads responses until one that isn't interim (1xx).
func (x *exchange) final() (*http.Response, error) {
	var got1xx func(int, textproto.MIMEHeader) error
	if trace := httptrace.ContextClientTrace(x.ctx); trace != nil {
		got1xx = trace.Got1xxResponse
	}
	for {
		res, err := http.ReadResponse(x.c.r, x.req)
		if err != nil {
			return nil, err
		}
		if res.StatusCode >= 200 || res.StatusCode == http.StatusSwitchingProtocols || res.StatusCode < 100 {
			return res, nil
		}
		if res.StatusCode == http.StatusContinue {
			x.body.allowBody()
		}
		if got1xx != nil {
			if err := got1xx(res.StatusCode, textproto.MIMEHeader(res.Header)); err != nil {
				return nil, err
			}
		}
	}
}

// attachBody gives the response its body. Read to its end it returns the
// connection to the pool.
func (x *exchange) attachBody(res *http.Response) {
	switch {
	case res.StatusCode == http.StatusSwitchingProtocols:
		res.Body = x.upgraded()
	case res.Body == http.NoBody:
		x.keep = !res.Close && !x.req.Close
		x.end(true)
	default:
		x.keep = !res.Close && !x.req.Close
		res.Body = &responseBody{body: res.Body, x: x}
	}
}

// end is called once the connection isn't needed any more. Whole says that the
// response was read to its end.
func (x *exchange) end(whole bool) {
	x.once.Do(func() {
		clean := x.stopWatching() && whole && x.keep
		if clean && x.body.done() && x.c.r.Buffered() == 0 && !x.c.dead.Load() {
			x.h.pool.put(x.c)
			return
		}
		x.c.Close()
	})
}

// responseBody is a response's body.
type responseBody struct {
	body io.Reader
	x    *exchange
}

func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if err != nil {
		b.x.end(err == io.EOF)
	}
	return n, err
}

// Close before the end closes the connection: the rest is not waited for.
func (b *responseBody) Close() error {
	b.x.end(false)
	return nil
}

// upgraded is the connection after a 101. It keeps nothing of the request alive.
func (x *exchange) upgraded() io.ReadWriteCloser {
	x.stopWatching()
	p := &upgradedConn{trackedConn: x.c.trackedConn}
	if n := x.c.r.Buffered(); n > 0 {
		p.rest = make([]byte, n)
		_, _ = io.ReadFull(x.c.r, p.rest)
	}
	return p
}

// upgradedConn is a connection after a 101.
type upgradedConn struct {
	*trackedConn
	rest []byte // received together with the headers
}

func (p *upgradedConn) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return p.trackedConn.Read(b)
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}
