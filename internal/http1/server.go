// Package http1 serves HTTP/1.1 and HTTP/1.0 to an http.Handler, with one goroutine
// per connection, and refuses every request that two parsers could read differently
// (RFC 9112, section 11). Connections with HTTP/2 are handed to net/http.
//
// It is stricter than net/http: lines end in CRLF only; no folded lines;
// field names are tokens, without a blank before the colon; field values hold
// no control characters; one Content-Length or one Transfer-Encoding, which is
// "chunked" and not in HTTP/1.0; one valid Host; a request target without
// blanks, non-ASCII bytes or fragment. The caller's Refuse makes the response to a
// refused request, and the connection is closed.
package http1

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server serves connections. Its fields must not change after Serve was called.
type Server struct {
	// Handler serves the requests. It must not use a Request, its URL, its
	// maps, its context or the ResponseWriter after it has returned: they are
	// reused for the next request. Strings and the value slices of Header may be
	// kept. The value slices of Request.Header must not be changed.
	Handler http.Handler

	// TLSConfig makes the server speak TLS. nil: no TLS.
	TLSConfig *tls.Config

	// HTTP2 serves connections with HTTP/2: those that have negotiated h2, and
	// those without TLS that begin with HTTP/2's preface. It must not have
	// other listeners; Shutdown and Close shut it down too. Its Protocols must
	// allow HTTP/2, with or without TLS as needed. nil: no HTTP/2.
	HTTP2 *http.Server

	// ReadHeaderTimeout bounds reading the head of a request, from its first
	// byte; on a new connection from the accept on, or from the end of the TLS
	// handshake, which may take as long again. 0: 10 s.
	ReadHeaderTimeout time.Duration

	// IdleTimeout bounds the time between two requests of a connection. 0: 2 min.
	IdleTimeout time.Duration

	// WriteTimeout sets the write deadline when a request begins, up to 1/64
	// early; the handler may move it. 0: none.
	WriteTimeout time.Duration

	// MaxHeaderBytes bounds the bytes of request line and fields. 0: 64 KiB.
	MaxHeaderBytes int

	// MaxFields bounds the number of field lines. 0: 256.
	MaxFields int

	// MaxConnections bounds the open connections, hijacked ones and those
	// with HTTP/2 included. Connections beyond it get the response of
	// Overloaded and are closed (with TLS: only closed). 0: no bound.
	MaxConnections int

	// DrainPause is how long Shutdown leaves idle connections open after the
	// listeners are closed: clients may have sent requests on them already.
	DrainPause time.Duration

	// Refuse makes the response to a refused request. nil: plain text.
	Refuse func(Refusal) RefusalResponse

	// AcceptError, if set, is called with the error of a failed accept and the
	// pause before the next one.
	AcceptError func(err error, pause time.Duration)

	// Interrupting, if set, is called before Shutdown ends the contexts of the
	// requests that are left.
	Interrupting func()

	// Panicked, if set, is called with the value of a handler's panic, except
	// http.ErrAbortHandler.
	Panicked func(value any)

	// BackgroundRead makes the server detect a client that disconnects by
	// reading concurrently with the handler, as it always does on systems
	// without EPOLLRDHUP. It costs a goroutine per request.
	BackgroundRead bool

	slots       atomic.Int64 // open connections, counted against MaxConnections
	overloaded  atomic.Int64 // Overloaded responses being sent
	noKeepAlive atomic.Bool
	draining    atomic.Bool // Shutdown has begun
	closeIdle   atomic.Bool // idle connections must close
	closed      atomic.Bool

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
	empty     chan struct{} // closed when the last connection has ended; nil: drain does not wait
	notifier  *closeNotifier
	http2     *http2Listener
}

func (s *Server) readHeaderTimeout() time.Duration {
	return positive(s.ReadHeaderTimeout, 10*time.Second)
}
func (s *Server) idleTimeout() time.Duration { return positive(s.IdleTimeout, 2*time.Minute) }
func (s *Server) maxHeaderBytes() int        { return positive(s.MaxHeaderBytes, 64<<10) }
func (s *Server) maxFields() int             { return positive(s.MaxFields, 256) }

func positive[T int | time.Duration](value, defaultValue T) T {
	if value > 0 {
		return value
	}
	return defaultValue
}

// DisableKeepAlives closes each connection after its next response, which says
// Connection: close. New connections are still served.
func (s *Server) DisableKeepAlives() { s.noKeepAlive.Store(true) }

// track adds an open connection. It reports false if the server is closed.
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

func (s *Server) eachConn(do func(*conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		do(c)
	}
}

// Connections returns the number of open connections, hijacked ones and those with
// HTTP/2 included.
func (s *Server) Connections() int { return int(s.slots.Load()) }
