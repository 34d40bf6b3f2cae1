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
	accepted     *slotConn // without TLS
	rwc          net.Conn  // accepted, or TLS over it
	tlsState     *tls.ConnectionState
	remoteAddr   string
	registration uint64 // number at the server's closeNotifier; 0: none

	// For the wait for a request's first byte.
	rawConn      syscall.RawConn    // nil with TLS, where firstByte is read instead
	rawReadFunc  func(uintptr) bool // readIfReady, as an argument of rawConn.Read
	firstReadErr error              // of readIfReady
	firstByte    [1]byte

	acceptedAt    time.Time // with TLS: the end of the handshake
	requests      int       // requests whose first byte has been read
	serveReturned bool      // false in serve's deferred calls: a handler has called runtime.Goexit

	deadlines     sync.Mutex
	readDeadline  deadline
	writeDeadline deadline

	t *transaction // the current one; nil while idle

	mu           sync.Mutex
	idle         bool         // no request has begun
	active       *transaction // the one whose handler is running; nil: none
	disconnected bool         // the client has closed its sending side
	interrupted  bool
	background   chan struct{} // closed when the background read has ended; nil: none
	backgroundN  int           // bytes that it has read into firstByte: 0 or 1
}

func newConn(s *Server, raw *slotConn) *conn {
	c := &conn{server: s, accepted: raw, rwc: raw, remoteAddr: addrText(raw), acceptedAt: time.Now(), idle: true}
	c.readDeadline.known, c.writeDeadline.known = true, true
	return c
}

// serve serves the connection until it is closed, hijacked or handed to HTTP/2.
func (c *conn) serve() {
	s := c.server
	defer s.untrack(c)
	defer c.closeAfterGoexit()
	keep := c.start()
	for keep {
		keep = c.serveOne()
	}
	if c.t != nil {
		c.t.release()
		c.t = nil
	}
	c.serveReturned = true
}

// closeAfterGoexit closes the connection if a handler has called runtime.Goexit.
func (c *conn) closeAfterGoexit() {
	if !c.serveReturned {
		c.close()
	}
}

// start does the TLS handshake and prepares the wait for requests. It reports false if
// there is nothing left to serve: the handshake failed, or HTTP/2 was negotiated.
func (c *conn) start() bool {
	s := c.server
	if s.TLSConfig != nil && !c.handshake() {
		return false
	}
	c.registerCloseNotify()
	if s.TLSConfig == nil {
		if rawConn := rawio.ConnOf(c.accepted); rawConn != nil {
			c.rawConn, c.rawReadFunc = rawConn, c.readIfReady
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
		t.body = newBody(t, length, t.framing.expectsContinue)
		t.request.Body = t.body
		c.setReadDeadlineNear(time.Time{}) // from here on the handler sets it
	}
	c.setWriteTimeout()
	t.response.startResponse()
	c.activate(t)
	returned := c.callHandler()
	c.deactivate(t)
	if t.response.hijacked {
		c.t = nil
		t.releaseHijacked()
		return false
	}
	if t.body != nil {
		t.body.endReads()
	}
	if !returned {
		c.handlerAborted()
		return false
	}
	return c.prepareForNext(t.response.finishResponse())
}

// callHandler reports whether the handler returned. If it panicked, its response is
// incomplete.
func (c *conn) callHandler() (returned bool) {
	t, s := c.t, c.server
	defer func() {
		if returned {
			return
		}
		value := recover()
		if value != nil && value != http.ErrAbortHandler && s.Panicked != nil {
			s.Panicked(value)
		}
	}()
	s.Handler.ServeHTTP(&t.response, t.request)
	return true
}

// handlerAborted closes the connection of a handler that panicked. If no byte of its
// response has been sent, the response of HandlerAborted is sent first: load balancers
// repeat a request whose connection is closed without a byte of response.
func (c *conn) handlerAborted() {
	w := &c.t.response
	if w.Unsent() {
		c.writeRefusal(Refusal{Reason: HandlerAborted})
		return
	}
	w.truncate()
	c.close()
}

// Limits of discarding the rest of a body that the handler has not read, so that the
// connection can be reused.
const (
	maxDiscarded   = 256 << 10 // bytes
	discardTimeout = 5 * time.Second
)

// prepareForNext reads the rest of the request's body and reports whether the
// connection can serve another request; otherwise it closes the connection. last and err
// are the results of finishResponse.
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
	_ = c.setReadDeadline(time.Now().Add(discardTimeout))
	if b.discard(maxDiscarded) != io.EOF {
		c.linger()
		c.close()
		return false
	}
	return true
}
