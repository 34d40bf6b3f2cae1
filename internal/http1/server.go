// Package http1 serves HTTP/1.1 and HTTP/1.0 to an http.Handler, one goroutine
// a connection, and refuses every request that two parsers could read
// differently (RFC 9112, section 11). Connections that speak HTTP/2 are handed to
// net/http.
//
// Where it is stricter than net/http: lines end in CRLF only; no folded lines;
// field names are tokens, without a blank before the colon; field values hold
// no control characters; one Content-Length or one Transfer-Encoding, which is
// "chunked" and not in HTTP/1.0; one valid Host; a request target without
// blanks, non-ASCII bytes or fragment. What it refuses is answered by the
// caller's Refuse, and the connection is closed.
package http1

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server serves connections. Its fields must not change once it serves.
type Server struct {
	// Handler answers the requests. It must not use a Request, its URL, its
	// maps, its context or the ResponseWriter after it has returned: they
	// serve the next request. Strings and the value slices of Header may be
	// kept. It may change none of the value slices of Request.Header.
	Handler http.Handler

	// TLSConfig makes the server speak TLS. nil: plain.
	TLSConfig *tls.Config

	// HTTP2 serves connections that speak HTTP/2: those that have negotiated
	// h2 and plain ones that begin with HTTP/2's preface. It must not be
	// serving anything else; Shutdown and Close end it too. Its Protocols must
	// allow what it is to be given. nil: no HTTP/2.
	HTTP2 *http.Server

	// ReadHeaderTimeout is how long the head of a request may take, from its
	// first byte; on a new connection from the beginning, and as long again
	// for the TLS handshake. 0: 10 s.
	ReadHeaderTimeout time.Duration

	// IdleTimeout is how long a connection may be idle between requests. 0: 2 min.
	IdleTimeout time.Duration

	// WriteTimeout is set as write deadline when a request begins, and kept
	// to within 2 %; the handler may move it. 0: none.
	WriteTimeout time.Duration

	// MaxHeaderBytes bounds a request's line and fields as sent. 0: 64 KiB.
	MaxHeaderBytes int

	// MaxFields bounds the number of field lines. 0: 256.
	MaxFields int

	// MaxConnections bounds the open connections, hijacked ones and those
	// with HTTP/2 included. What comes above it is answered with Overloaded
	// (with TLS: closed). 0: no bound.
	MaxConnections int

	// DrainPause is how long Shutdown leaves idle connections open, once the
	// listeners are closed, so that requests under way on them arrive.
	DrainPause time.Duration

	// Refuse makes the answer to what is no acceptable request. nil: plain text.
	Refuse func(Refusal) RefusalResponse

	// AcceptError is told why no connection could be accepted and how long
	// accepting pauses. nil: nobody is.
	AcceptError func(err error, pause time.Duration)

	// Interrupting is called before Shutdown ends the contexts of the requests
	// that are left. nil: nothing is.
	Interrupting func()

	// Panicked is told of a handler's panic, http.ErrAbortHandler excepted.
	// nil: nobody is.
	Panicked func(value any)

	// BackgroundRead makes the server notice a client that goes away by
	// reading on beside the handler, as it must where the system has no
	// EPOLLRDHUP. It costs a goroutine a request.
	BackgroundRead bool

	slots       atomic.Int64 // open connections
	overloaded  atomic.Int64 // refusals for want of a slot under way
	noKeepAlive atomic.Bool
	draining    atomic.Bool // Shutdown has begun
	closeIdle   atomic.Bool // idle connections are to be closed
	closed      atomic.Bool

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
	empty     chan struct{} // closed when the last connection is gone; nil: nobody waits
	notifier  *closeNotifier
	http2     *http2Listener
}

func (s *Server) readHeaderTimeout() time.Duration {
	return positive(s.ReadHeaderTimeout, 10*time.Second)
}
func (s *Server) idleTimeout() time.Duration { return positive(s.IdleTimeout, 2*time.Minute) }
func (s *Server) maxHeaderBytes() int        { return positive(s.MaxHeaderBytes, 64<<10) }
func (s *Server) maxFields() int             { return positive(s.MaxFields, 256) }

func positive[T int | time.Duration](value, otherwise T) T {
	if value > 0 {
		return value
	}
	return otherwise
}

// DisableKeepAlives makes every answer from now on the last one of its
// connection, and says so. New connections are still served.
func (s *Server) DisableKeepAlives() { s.noKeepAlive.Store(true) }

// interruptGrace is how long handlers have to answer once their context has
// ended because Shutdown's time is over.
const interruptGrace = time.Second

// Shutdown closes the listeners, answers what arrives on open connections
// within DrainPause, then closes the idle ones and waits for the requests in
// flight, but not for hijacked connections. Where ctx ends first, it ends the
// requests' contexts with ErrShutdown, gives the handlers a second to answer,
// closes what is left and returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.noKeepAlive.Store(true)
	s.draining.Store(true)
	s.closeListeners()
	var http2 sync.WaitGroup
	if s.HTTP2 != nil {
		http2.Go(func() {
			if s.HTTP2.Shutdown(ctx) != nil {
				s.interrupting()
				s.HTTP2.Close()
			}
		})
	}
	err := s.drain(ctx)
	http2.Wait()
	s.closeInternal()
	return err
}

func (s *Server) drain(ctx context.Context) error {
	empty := s.allClosed()
	pause := time.NewTimer(s.DrainPause)
	defer pause.Stop()
	select {
	case <-empty:
		return nil
	case <-pause.C:
	case <-ctx.Done():
	}
	s.closeIdle.Store(true)
	s.eachConn((*conn).endIdleWait)
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
	}
	s.interrupting()
	s.eachConn((*conn).interrupt)
	grace := time.NewTimer(interruptGrace)
	defer grace.Stop()
	select {
	case <-empty:
	case <-grace.C:
		s.closeConns()
	}
	return ctx.Err()
}

func (s *Server) interrupting() {
	if s.Interrupting != nil {
		s.Interrupting()
	}
}

// Close closes listeners and connections at once, hijacked ones excepted.
func (s *Server) Close() error {
	s.noKeepAlive.Store(true)
	s.draining.Store(true)
	s.closeIdle.Store(true)
	s.closed.Store(true)
	s.closeListeners()
	s.closeConns()
	if s.HTTP2 != nil {
		s.HTTP2.Close()
	}
	s.closeInternal()
	return nil
}

func (s *Server) closeConns() { s.eachConn(func(c *conn) { c.raw.Close() }) }

func (s *Server) closeListeners() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ln := range s.listeners {
		ln.Close()
	}
}

func (s *Server) closeInternal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.notifier != nil {
		s.notifier.close()
		s.notifier = nil
	}
	if s.http2 != nil {
		s.http2.Close()
	}
}

// track notes an open connection; false where none is wanted any more.
func (s *Server) track(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return false
	}
	if s.conns == nil {
		s.conns = map[*conn]struct{}{}
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) untrack(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if s.empty != nil && len(s.conns) == 0 {
		close(s.empty)
		s.empty = nil
	}
}

// allClosed gives a channel that is closed when no connection is left.
func (s *Server) allClosed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) == 0 {
		none := make(chan struct{})
		close(none)
		return none
	}
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	return s.empty
}

func (s *Server) eachConn(do func(*conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		do(c)
	}
}

// Connections is the number of open connections, hijacked ones and those with
// HTTP/2 included.
func (s *Server) Connections() int { return int(s.slots.Load()) }
