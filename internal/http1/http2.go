package http1

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// preface is the client connection preface of HTTP/2 (RFC 9113, section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// http2Listener is the listener of Server.HTTP2. Accept returns the connections that are
// passed to deliver.
type http2Listener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	addr  net.Addr
}

// startHTTP2 starts Server.HTTP2. s.mu is held.
func (s *Server) startHTTP2() {
	if s.HTTP2 == nil || s.http2 != nil {
		return
	}
	s.http2 = &http2Listener{conns: make(chan net.Conn), done: make(chan struct{}), addr: &net.TCPAddr{}}
	go s.HTTP2.Serve(s.http2)
}

func (l *http2Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *http2Listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *http2Listener) Addr() net.Addr { return l.addr }

// deliver passes a connection to Accept, or closes it if the listener is closed.
func (l *http2Listener) deliver(c net.Conn) {
	select {
	case l.conns <- c:
	case <-l.done:
		c.Close()
	}
}

// handshake does the TLS handshake. It reports false if it failed, or if HTTP/2 was
// negotiated and the connection handed off.
func (c *conn) handshake() bool {
	tc := tls.Server(c.accepted, c.server.TLSConfig)
	c.rwc = tc
	_ = c.accepted.SetDeadline(c.acceptedAt.Add(c.server.readHeaderTimeout()))
	if err := tc.Handshake(); err != nil {
		c.handshakeFailed(err)
		return false
	}
	_ = c.accepted.SetDeadline(time.Time{})
	state := tc.ConnectionState()
	if state.NegotiatedProtocol == "h2" {
		c.handOffHTTP2(tc)
		return false
	}
	c.tlsState = &state
	c.acceptedAt = time.Now()
	return true
}

// handshakeFailed closes the connection; a client that sent HTTP without TLS gets a
// response.
func (c *conn) handshakeFailed(err error) {
	var record tls.RecordHeaderError
	if errors.As(err, &record) && record.Conn != nil && looksLikeHTTP(record.RecordHeader) {
		c.rwc = c.accepted
		c.writeRefusal(Refusal{Reason: PlainOnTLS})
		return
	}
	c.accepted.Close()
}

func looksLikeHTTP(header [5]byte) bool {
	return slices.Contains([]string{"GET /", "HEAD ", "POST ", "PUT /", "OPTIO"}, string(header[:]))
}

// upgradeHTTP2 hands off a connection without TLS that begins with HTTP/2's preface,
// after it has read the whole preface.
func (c *conn) upgradeHTTP2() bool {
	t := c.t
	if c.requests > 1 || c.tlsState != nil || c.server.HTTP2 == nil {
		c.writeRefusal(Refusal{Reason: UnknownVersion})
		return false
	}
	_ = c.setReadDeadline(c.headDeadline())
	for len(t.buffered()) < len(preface) {
		if err := t.fill(); err != nil {
			c.close()
			return false
		}
	}
	if string(t.buffered()[:len(preface)]) != preface {
		c.writeRefusal(*malformed("this is not HTTP/2's preface"))
		return false
	}
	_ = c.setReadDeadline(time.Time{})
	c.handOffHTTP2(&prefixConn{c.accepted, io.MultiReader(bytes.NewReader(slices.Clone(t.buffered())), c.accepted)})
	return false
}

func (c *conn) handOffHTTP2(nc net.Conn) {
	s := c.server
	c.unregisterCloseNotify()
	s.mu.Lock()
	ln := s.http2
	s.mu.Unlock()
	if ln == nil || s.draining.Load() {
		nc.Close()
		return
	}
	ln.deliver(nc)
}

// prefixConn is a connection whose first bytes have been read already.
type prefixConn struct {
	*slotConn
	r io.Reader // the first bytes, then the connection
}

func (c *prefixConn) Read(p []byte) (int, error) { return c.r.Read(p) }

var (
	_ net.Listener = (*http2Listener)(nil)
	_ io.Reader    = (*prefixConn)(nil)
	_ http.Flusher = (*responseWriter)(nil)
)
