package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"wxgate/internal/rawio"
)

// conn is a connection of a client. One goroutine serves it.
type conn struct {
	server *Server
	raw    *slotConn
	rwc    net.Conn // raw, or TLS over it
	tls    *tls.ConnectionState
	remote string
	watch  uint64 // registration with the watcher; 0: none

	ready syscall.RawConn // says when there is something to read; nil: nothing does
	peek  func(uintptr) bool
	err   error
	one   [1]byte

	began    time.Time // of the connection
	requests int       // that have begun to come
	served   bool      // the connection is closed or somebody else's

	deadlines sync.Mutex
	lastRead  deadline
	lastSent  deadline

	t *transaction // nil while idle

	mu          sync.Mutex
	idle        bool         // waits for a request
	active      *transaction // whose handler runs
	gone        bool         // the client has closed its side
	interrupted bool
	background  chan struct{} // closed when the background read has ended; nil: none
	early       int           // bytes that it read into one
}

// deadline is what a deadline of the connection is set to; known: it is.
type deadline struct {
	at    time.Time
	known bool
}

func newConn(s *Server, raw *slotConn) *conn {
	c := &conn{server: s, raw: raw, rwc: raw, remote: addrText(raw), began: time.Now(), idle: true}
	c.lastRead.known, c.lastSent.known = true, true
	return c
}

// errConnEnded is the end of what the client sends.
var errConnEnded = errors.New("http1: the client has closed its side")

// serve serves the connection until it ends, or is somebody else's.
func (c *conn) serve() {
	s := c.server
	defer s.untrack(c)
	defer c.closeUnlessServed()
	keep := c.start()
	for keep {
		keep = c.serveOne()
	}
	if c.t != nil {
		c.t.release()
		c.t = nil
	}
	c.served = true
}

// closeUnlessServed is for a handler that ends its goroutine.
func (c *conn) closeUnlessServed() {
	if !c.served {
		c.close()
	}
}

// start shakes hands and gets ready to wait for requests. It is false where
// the connection is done with.
func (c *conn) start() bool {
	s := c.server
	if s.TLSConfig != nil && !c.handshake() {
		return false
	}
	c.watchClient()
	if s.TLSConfig == nil {
		if ready := rawio.ConnOf(c.raw); ready != nil {
			c.ready, c.peek = ready, c.peekRead
		}
	}
	return true
}

// close ends the connection and all that goes with it.
func (c *conn) close() {
	c.unwatch()
	c.rwc.Close()
}

// serveOne serves one request. It is true where another may follow.
func (c *conn) serveOne() bool {
	if !c.await() {
		c.close()
		return false
	}
	r, err := c.readHead()
	switch {
	case err != nil:
		c.close()
		return false
	case r != nil:
		c.refuse(*r)
		return false
	case c.t.head.http2:
		return c.upgradeHTTP2()
	}
	return c.handle()
}

// await waits for the first byte of a request. Without one in the buffer the
// connection is idle and has no buffer.
func (c *conn) await() bool {
	if c.t != nil && c.t.r < c.t.w {
		c.t.head.reset()
		return true
	}
	if c.t != nil {
		c.t.release()
		c.t = nil
	}
	c.setIdle(true)
	c.setReadDeadlineNear(c.idleDeadline())
	err := c.waitReadable()
	if err != nil && c.server.closeIdle.Load() {
		err = c.lastLook()
	}
	c.setIdle(false)
	return err == nil
}

// idleDeadline is how long a request may not come. A new connection must send
// one at once.
func (c *conn) idleDeadline() time.Time {
	if c.requests == 0 {
		return c.began.Add(c.server.readHeaderTimeout())
	}
	return time.Now().Add(c.server.idleTimeout())
}

// waitReadable waits for something to read, and reads it into a new
// transaction's buffer.
func (c *conn) waitReadable() error {
	if c.server.closeIdle.Load() {
		return errConnEnded // lastLook sees what there is
	}
	if c.ready != nil {
		if err := c.ready.Read(c.peek); err != nil {
			return err
		}
		return c.err
	}
	n, err := c.rwc.Read(c.one[:])
	return c.take(n, err)
}

// take begins a transaction with the byte in one.
func (c *conn) take(n int, err error) error {
	if n == 0 {
		if err == nil || err == io.EOF {
			err = errConnEnded
		}
		return err
	}
	c.t = newTransaction(c)
	c.t.buf[0] = c.one[0]
	c.t.w = 1
	return nil
}

// peekRead is called when there may be something to read. It has a buffer only
// while there is.
func (c *conn) peekRead(fd uintptr) bool {
	t := newTransaction(c)
	n, err := rawio.Read(fd, t.buf)
	if err == syscall.EAGAIN {
		t.release()
		return false
	}
	if c.err = err; err == nil && n <= 0 {
		c.err = errConnEnded
	}
	if c.err != nil {
		t.release()
		return true
	}
	t.w = n
	c.t = t
	return true
}

func (c *conn) setIdle(idle bool) {
	c.mu.Lock()
	c.idle = idle
	c.mu.Unlock()
}

// wakeIdle ends the waiting of a connection that has no request. Where one has
// just come, it is answered.
func (c *conn) wakeIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idle {
		_ = c.raw.SetReadDeadline(past)
	}
}

// lastLook reads what has come of a request by now, without waiting.
func (c *conn) lastLook() error {
	if c.ready != nil {
		c.err = errConnEnded
		err := c.ready.Control(func(fd uintptr) {
			if !c.peekRead(fd) {
				c.err = errConnEnded
			}
		})
		if err == nil {
			err = c.err
		}
		return err
	}
	_ = c.setReadDeadline(time.Now().Add(lastLookTime))
	n, err := c.rwc.Read(c.one[:])
	return c.take(n, err)
}

// lastLookTime is how long a TLS connection may take to show what has come.
const lastLookTime = time.Millisecond

// readHead reads a request up to its body, and makes the http.Request. Either
// of what it gives means that there is none; an error, that nobody is there to
// be told.
func (c *conn) readHead() (*Refusal, error) {
	t, s := c.t, c.server
	c.requests++
	limited := false
	for {
		done, r := t.head.parse(t.buffered(), s.maxFields())
		switch {
		case r != nil:
			return r, nil
		case t.head.pos > s.maxHeaderBytes() || !done && t.w-t.r > s.maxHeaderBytes():
			return &Refusal{Reason: HeaderTooLarge}, nil
		case done && t.head.http2:
			return nil, nil
		case done:
			head := string(t.buf[t.r : t.r+t.head.pos])
			t.r += t.head.pos
			return t.build(head), nil
		}
		if !limited {
			limited = true
			_ = c.setReadDeadline(c.headDeadline())
		}
		if err := c.moreOfHead(); err != nil {
			if isTimeout(err) {
				return &Refusal{Reason: HeaderTimeout}, nil
			}
			return nil, err
		}
	}
}

func (c *conn) headDeadline() time.Time {
	if c.requests == 1 {
		return c.began.Add(c.server.readHeaderTimeout())
	}
	return time.Now().Add(c.server.readHeaderTimeout())
}

func (c *conn) moreOfHead() error {
	t := c.t
	if t.w == len(t.buf) {
		t.makeRoom(min(2*(t.w-t.r), c.server.maxHeaderBytes()+readBuffer))
	}
	return t.fill()
}

// read reads from the client.
func (c *conn) read(p []byte) (int, error) {
	n, err := c.rwc.Read(p)
	if n > 0 {
		return n, nil // an error comes again
	}
	if err == io.EOF || err == nil {
		err = errConnEnded
	}
	return 0, err
}

// refuse answers a request that no handler gets to see.
func (c *conn) refuse(r Refusal) {
	r.RemoteAddr = c.remote
	_ = c.setWriteDeadline(time.Now().Add(refusalTime))
	if _, err := c.rwc.Write(c.server.refusal(r)); err == nil {
		c.linger()
	}
	c.close()
}

const refusalTime = 10 * time.Second

// setReadDeadline sets the deadline exactly.
func (c *conn) setReadDeadline(at time.Time) error {
	c.deadlines.Lock()
	defer c.deadlines.Unlock()
	c.lastRead = deadline{at, true}
	return c.rwc.SetReadDeadline(at)
}

// setReadDeadlineNear leaves a deadline as it is that is a little early (see
// near). Setting one costs more than the check.
func (c *conn) setReadDeadlineNear(at time.Time) {
	c.deadlines.Lock()
	near := c.lastRead.near(at)
	c.deadlines.Unlock()
	if !near {
		_ = c.setReadDeadline(at)
	}
}

func (c *conn) setWriteDeadline(at time.Time) error {
	c.deadlines.Lock()
	defer c.deadlines.Unlock()
	c.lastSent = deadline{at, true}
	return c.rwc.SetWriteDeadline(at)
}

// setWriteTimeout sets the write deadline of a request.
func (c *conn) setWriteTimeout() {
	var at time.Time
	if timeout := c.server.WriteTimeout; timeout > 0 {
		at = time.Now().Add(timeout)
	}
	c.deadlines.Lock()
	set := c.lastSent
	c.deadlines.Unlock()
	if !set.near(at) {
		_ = c.setWriteDeadline(at)
	}
}

// near reports whether the deadline is at most 2 % of what is left before at,
// and not behind it.
func (d deadline) near(at time.Time) bool {
	if d.at.IsZero() || at.IsZero() {
		return d.known && d.at.Equal(at)
	}
	early := at.Sub(d.at)
	return d.known && early >= 0 && early <= time.Until(at)/64
}

// handle calls the handler with the request that was read.
func (c *conn) handle() bool {
	t := c.t
	t.body = nil
	t.request.Body = http.NoBody
	if length := t.framing.length; length != 0 {
		t.body = newBody(t, length, t.framing.continues)
		t.request.Body = t.body
		c.setReadDeadlineNear(time.Time{}) // the handler's from here on
	}
	c.setWriteTimeout()
	t.response.begin()
	c.enter(t)
	finished := c.callHandler()
	c.leave(t)
	if t.response.hijacked {
		c.t = nil
		t.giveAway()
		return false
	}
	if t.body != nil {
		t.body.end()
	}
	if !finished {
		c.abort()
		return false
	}
	return c.afterAnswer(t.response.finish())
}

// callHandler is false where the handler broke its answer off.
func (c *conn) callHandler() (finished bool) {
	t, s := c.t, c.server
	defer func() {
		if finished {
			return
		}
		crash := recover()
		if crash != nil && crash != http.ErrAbortHandler && s.Panicked != nil {
			s.Panicked(crash)
		}
	}()
	s.Handler.ServeHTTP(&t.response, t.request)
	return true
}

// abort ends the connection of a handler that broke its answer off. While
// nothing of it has been sent the client is told: a connection that ends
// without a byte would make load balancers send the request again.
func (c *conn) abort() {
	w := &c.t.response
	if w.Unsent() {
		c.refuse(Refusal{Reason: HandlerAborted})
		return
	}
	w.breakOff()
	c.close()
}

// Bounds of what is read of a body that the handler left unread.
const (
	maxSkipped  = 256 << 10 // bytes, for the sake of the next request
	skipSilence = 5 * time.Second
)

// afterAnswer gets the connection ready for the next request.
func (c *conn) afterAnswer(last bool, err error) bool {
	b := c.t.body
	switch {
	case err != nil:
		c.close()
		return false
	case last:
		if b != nil && b.err != io.EOF || c.t.r < c.t.w {
			c.linger()
		}
		c.close()
		return false
	case b == nil || b.err == io.EOF:
		return true
	}
	_ = c.setReadDeadline(time.Now().Add(skipSilence))
	if b.skip(maxSkipped) != io.EOF {
		c.linger()
		c.close()
		return false
	}
	return true
}

// enter notes the transaction whose handler runs: a client that goes away ends
// its context, nobody else's.
func (c *conn) enter(t *transaction) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.ctx.reset(c.rwc.LocalAddr())
	c.active = t
	switch {
	case c.interrupted:
		t.ctx.end(ErrShutdown)
	case c.gone:
		t.ctx.end(context.Canceled)
	case t.body == nil:
		c.startBackgroundRead()
	}
}

func (c *conn) leave(t *transaction) {
	c.mu.Lock()
	c.active = nil // so that a body which ends now begins no background read
	c.mu.Unlock()
	c.endBackgroundRead()
	t.ctx.end(context.Canceled)
}

// interrupt ends the context of the request in flight, for the server stops.
func (c *conn) interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupted = true
	if c.active != nil {
		c.active.ctx.end(ErrShutdown)
	}
}

// clientGone ends the context of the request in flight, and of those to come.
func (c *conn) clientGone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone = true
	if c.active != nil {
		c.active.ctx.end(context.Canceled)
	}
}

// bodyRead is told that a body has come to its end.
func (c *conn) bodyRead() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.active != nil && !c.gone {
		c.startBackgroundRead()
	}
}
