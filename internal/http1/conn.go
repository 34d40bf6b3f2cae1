package http1

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"wxgate/internal/rawio"
)

// conn is a client's connection. One goroutine serves it.
type conn struct {
	server       *Server
	raw          *slotConn
	rwc          net.Conn // raw, or TLS over it
	tls          *tls.ConnectionState
	remote       string
	registration uint64 // number at the server's closeNotifier; 0: none

	ready     syscall.RawConn // waits until the connection is readable; nil under TLS
	readReady func(uintptr) bool
	firstErr  error
	firstByte [1]byte

	openedAt time.Time // of the connection
	requests int       // whose first byte has been read
	finished bool      // serve returned by itself, not by runtime.Goexit

	deadlines     sync.Mutex
	readDeadline  deadline
	writeDeadline deadline

	t *transaction // nil while idle

	mu           sync.Mutex
	idle         bool         // waits for a request
	active       *transaction // whose handler runs
	disconnected bool         // the client has closed its sending side
	interrupted  bool
	background   chan struct{} // closed when the background read has ended; nil: none
	backgroundN  int           // bytes that it read into one
}

func newConn(s *Server, raw *slotConn) *conn {
	c := &conn{server: s, raw: raw, rwc: raw, remote: addrText(raw), openedAt: time.Now(), idle: true}
	c.readDeadline.known, c.writeDeadline.known = true, true
	return c
}

// serve serves the connection until it is closed, hijacked or handed to HTTP/2.
func (c *conn) serve() {
	s := c.server
	defer s.untrack(c)
	defer c.closeUnlessFinished()
	keep := c.start()
	for keep {
		keep = c.serveOne()
	}
	if c.t != nil {
		c.t.release()
		c.t = nil
	}
	c.finished = true
}

// closeUnlessFinished closes the connection of a handler that called
// runtime.Goexit.
func (c *conn) closeUnlessFinished() {
	if !c.finished {
		c.close()
	}
}

// start does the TLS handshake and prepares for waiting for requests. It returns
// false if no request is to be served: the handshake failed, or HTTP/2 was
// negotiated.
func (c *conn) start() bool {
	s := c.server
	if s.TLSConfig != nil && !c.handshake() {
		return false
	}
	c.registerCloseNotify()
	if s.TLSConfig == nil {
		if ready := rawio.ConnOf(c.raw); ready != nil {
			c.ready, c.readReady = ready, c.readIfReady
		}
	}
	return true
}

// close closes the connection and ends its registration.
func (c *conn) close() {
	c.unregisterCloseNotify()
	c.rwc.Close()
}

// serveOne serves one request and reports whether another may follow.
func (c *conn) serveOne() bool {
	if !c.awaitRequest() {
		c.close()
		return false
	}
	r, err := c.readHead()
	switch {
	case err != nil:
		c.close()
		return false
	case r != nil:
		c.writeRefusal(*r)
		return false
	case c.t.head.http2:
		return c.upgradeHTTP2()
	}
	return c.handle()
}

// handle calls the handler with the request that was read, and reports whether
// another request may follow.
func (c *conn) handle() bool {
	t := c.t
	t.body = nil
	t.request.Body = http.NoBody
	if length := t.framing.length; length != 0 {
		t.body = newBody(t, length, t.framing.continues)
		t.request.Body = t.body
		c.setReadDeadlineNear(time.Time{}) // from here on the handler sets it
	}
	c.setWriteTimeout()
	t.response.startResponse()
	c.activate(t)
	finished := c.callHandler()
	c.deactivate(t)
	if t.response.hijacked {
		c.t = nil
		t.releaseHijacked()
		return false
	}
	if t.body != nil {
		t.body.end()
	}
	if !finished {
		c.handlerAborted()
		return false
	}
	return c.prepareForNext(t.response.finish())
}

// callHandler reports false if the handler panicked: its response is incomplete.
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

// handlerAborted closes the connection of a handler that panicked. If nothing of its
// response has been sent, HandlerAborted's response is: load balancers repeat a
// request whose connection is closed without a byte.
func (c *conn) handlerAborted() {
	w := &c.t.response
	if w.Unsent() {
		c.writeRefusal(Refusal{Reason: HandlerAborted})
		return
	}
	w.truncate()
	c.close()
}

// Bounds of what is read and discarded of a body that the handler has not read.
const (
	maxSkipped  = 256 << 10 // bytes, so that the connection can be reused
	skipSilence = 5 * time.Second
)

// prepareForNext reads the rest of the request's body and reports whether the
// connection can serve another request; otherwise it is closed. last and err are
// what finish returned.
func (c *conn) prepareForNext(last bool, err error) bool {
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
