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
	"slices"
	"sync"
	"time"
)

// http1 sends requests over HTTP/1.1 without TLS, each in its caller's own
// goroutine: the usual way to a backend in the same network. http.Transport
// keeps two goroutines for each connection and passes every request and answer
// through channels, which costs more than all the rest of forwarding.
//
// Answers are parsed by http.ReadResponse, as http.Transport does.
type http1 struct {
	dial    func(ctx context.Context, network, addr string) (net.Conn, error)
	timeout time.Duration // until an answer's headers

	mu    sync.Mutex
	idle  []*wire // the longest unused first
	prune *time.Timer
}

// wire is a connection with its buffers.
type wire struct {
	*conn
	r      *bufio.Reader
	w      *bufio.Writer
	idleAt time.Time
}

const wireBuffer = 4 << 10

// errHeader is the caller's mistake: nothing was sent.
var errHeader = errors.New("a header of the request can't be sent")

// carry sends f's request and reads the headers of its answer.
func (h *http1) carry(f *flight) (*http.Response, error) {
	head, err := newHead(f.out)
	if err != nil {
		return nil, err
	}
	f.sought = true
	c, err := h.take(f)
	if err != nil {
		return nil, err
	}
	x := &passage{h: h, c: c, req: f.out, ctx: f.ctx}
	x.unfollow = context.AfterFunc(f.ctx, c.abort)
	res, err := x.exchange(head)
	if err != nil {
		f.heard.Store(c.read.Load() > 0)
		x.end(false)
		return nil, err
	}
	return res, nil
}

// take gives a connection that the flight may use: the one that was used last,
// if it is fit, else a new one.
func (h *http1) take(f *flight) (*wire, error) {
	for c := h.pop(f.fresh); c != nil; c = h.pop(f.fresh) {
		f.way = way{sought: true, connected: true, reused: true, conn: c.conn}
		c.taken()
		if f.fit(c.conn, time.Since(c.idleAt)) {
			return c, nil
		}
		c.Close()
	}
	nc, err := h.dial(f.ctx, "tcp", "")
	if err != nil {
		return nil, err
	}
	c := &wire{conn: nc.(*conn), r: bufio.NewReaderSize(nc, wireBuffer), w: bufio.NewWriterSize(nc, wireBuffer)}
	f.way = way{sought: true, connected: true, conn: c.conn}
	c.taken()
	return c, nil
}

// pop takes an idle connection off the list, unless only a new one will do.
func (h *http1) pop(fresh bool) *wire {
	if fresh {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.idle)
	if n == 0 {
		return nil
	}
	c := h.idle[n-1]
	h.idle[n-1] = nil
	h.idle = h.idle[:n-1]
	return c
}

// put keeps a connection for the next request.
func (h *http1) put(c *wire) {
	c.idleAt = time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.idle) >= maxIdle {
		c.Close()
		return
	}
	h.idle = append(h.idle, c)
	if h.prune == nil {
		h.prune = time.AfterFunc(idleFor, h.dropOld)
	}
}

// dropOld closes what has been unused for idleFor.
func (h *http1) dropOld() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.prune = nil
	limit := time.Now().Add(-idleFor)
	old := 0
	for old < len(h.idle) && !h.idle[old].idleAt.After(limit) {
		h.idle[old].Close()
		old++
	}
	h.idle = slices.Delete(h.idle, 0, old)
	if len(h.idle) > 0 {
		h.prune = time.AfterFunc(time.Until(h.idle[0].idleAt.Add(idleFor)), h.dropOld)
	}
}

// CloseIdleConnections closes what no request uses.
func (h *http1) CloseIdleConnections() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.idle {
		c.Close()
	}
	h.idle = nil
	if h.prune != nil {
		h.prune.Stop()
		h.prune = nil
	}
}

// longAgo is a deadline that ends what waits for the connection now.
var longAgo = time.Unix(1, 0)

// abort ends what is under way on the connection.
func (c *wire) abort() { _ = c.SetDeadline(longAgo) }

// passage is one request and its answer on a connection.
type passage struct {
	h        *http1
	c        *wire
	req      *http.Request
	ctx      context.Context
	unfollow func() bool // ends following the request's context
	sender   *sender     // nil: no body
	keep     bool        // the backend keeps the connection
	once     sync.Once
}

// exchange writes the request and reads up to the final answer's headers.
func (x *passage) exchange(head head) (*http.Response, error) {
	if err := head.write(x.c.w); err != nil {
		return nil, err
	}
	if hasBody(x.req) {
		x.sender = startSender(x, head.chunked)
	} else {
		if err := x.c.w.Flush(); err != nil {
			return nil, err
		}
		x.waitUntil(time.Now().Add(x.h.timeout))
	}
	res, err := x.final()
	if err != nil {
		return nil, err
	}
	x.c.headersCame()
	x.sender.answered()
	x.waitUntil(time.Time{})
	x.lend(res)
	return res, nil
}

// waitUntil sets the deadline for reading, without undoing an abort.
func (x *passage) waitUntil(t time.Time) {
	_ = x.c.SetReadDeadline(t)
	if x.ctx.Err() != nil {
		x.c.abort()
	}
}

// final reads answers until one that isn't interim.
func (x *passage) final() (*http.Response, error) {
	var informed func(int, textproto.MIMEHeader) error
	if trace := httptrace.ContextClientTrace(x.ctx); trace != nil {
		informed = trace.Got1xxResponse
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
			x.sender.proceed()
		}
		if informed != nil {
			if err := informed(res.StatusCode, textproto.MIMEHeader(res.Header)); err != nil {
				return nil, err
			}
		}
	}
}

// lend hands the answer's body to the caller, who gives the connection back by
// reading it to its end.
func (x *passage) lend(res *http.Response) {
	switch {
	case res.StatusCode == http.StatusSwitchingProtocols:
		res.Body = x.pipe()
	case res.Body == http.NoBody:
		x.keep = !res.Close && !x.req.Close
		x.end(true)
	default:
		x.keep = !res.Close && !x.req.Close
		res.Body = &wireBody{body: res.Body, x: x}
	}
}

// end is called once the connection isn't needed any more. Whole says that the
// answer was read to its end.
func (x *passage) end(whole bool) {
	x.once.Do(func() {
		clean := x.unfollow() && whole && x.keep
		if clean && x.sender.done() && x.c.r.Buffered() == 0 && !x.c.dead.Load() {
			x.h.put(x.c)
			return
		}
		x.c.Close()
	})
}

// wireBody is an answer's body.
type wireBody struct {
	body io.Reader
	x    *passage
}

func (b *wireBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if err != nil {
		b.x.end(err == io.EOF)
	}
	return n, err
}

// Close before the end costs the connection: the rest is not waited for.
func (b *wireBody) Close() error {
	b.x.end(false)
	return nil
}

// pipe is the connection after a 101. Nothing of the request is held on to.
func (x *passage) pipe() io.ReadWriteCloser {
	x.unfollow()
	p := &wirePipe{conn: x.c.conn}
	if n := x.c.r.Buffered(); n > 0 {
		p.rest = make([]byte, n)
		_, _ = io.ReadFull(x.c.r, p.rest)
	}
	return p
}

// wirePipe is an upgraded connection.
type wirePipe struct {
	*conn
	rest []byte // came with the headers
}

func (p *wirePipe) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return p.conn.Read(b)
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}
