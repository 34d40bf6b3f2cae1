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

// conn is a connection of a client. One goroutine serves it.
type conn struct {
	server       *Server
	raw          *slotConn
	rwc          net.Conn // raw, or TLS over it
	tls          *tls.ConnectionState
	remote       string
	registration uint64 // registration with the watcher; 0: none

	ready     syscall.RawConn // says when there is something to read; nil: nothing does
	readReady func(uintptr) bool
	firstErr  error
	firstByte [1]byte

	openedAt time.Time // of the connection
	requests int       // that have begun to come
	finished bool      // the connection is closed or somebody else's

	deadlines     sync.Mutex
	readDeadline  deadline
	writeDeadline deadline

	t *transaction // nil while idle

	mu           sync.Mutex
	idle         bool         // waits for a request
	active       *transaction // whose handler runs
	disconnected bool         // the client has closed its side
	interrupted  bool
	background   chan struct{} // closed when the background read has ended; nil: none
	backgroundN  int           // bytes that it read into one
}

func newConn(s *Server, raw *slotConn) *conn {
	c := &conn{server: s, raw: raw, rwc: raw, remote: addrText(raw), openedAt: time.Now(), idle: true}
	c.readDeadline.known, c.writeDeadline.known = true, true
	return c
}

// serve serves the connection until it ends, or is somebody else's.
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

// closeUnlessFinished is for a handler that ends its goroutine.
func (c *conn) closeUnlessFinished() {
	if !c.finished {
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
	c.registerCloseNotify()
	if s.TLSConfig == nil {
		if ready := rawio.ConnOf(c.raw); ready != nil {
			c.ready, c.readReady = ready, c.readIfReady
		}
	}
	return true
}

// close ends the connection and all that goes with it.
func (c *conn) close() {
	c.unregisterCloseNotify()
	c.rwc.Close()
}

// serveOne serves one request. It is true where another may follow.
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

// handlerAborted ends the connection of a handler that broke its answer off. While
// nothing of it has been sent the client is told: a connection that ends
// without a byte would make load balancers send the request again.
func (c *conn) handlerAborted() {
	w := &c.t.response
	if w.Unsent() {
		c.writeRefusal(Refusal{Reason: HandlerAborted})
		return
	}
	w.truncate()
	c.close()
}

// Bounds of what is read of a body that the handler left unread.
const (
	maxSkipped  = 256 << 10 // bytes, for the sake of the next request
	skipSilence = 5 * time.Second
)

// prepareForNext gets the connection ready for the next request.
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
