package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"
)

// upgradeRequested reports whether a 101 response switches to the protocol that the
// request names.
func (cs *callState) upgradeRequested(res *Response) bool {
	want := cs.header.Get("Upgrade")
	return want != "" && strings.EqualFold(want, res.Header.Get("Upgrade"))
}

// upgrade makes the connection the body of a 101 response. The body doesn't refer to
// the exchange, so that the request's memory can be freed.
func (e *exchange) upgrade(res *Response) error {
	e.ended.Store(true)
	if e.stopWatching != nil {
		e.stopWatching()
	}
	if !e.canceler.detach(e.pc) {
		e.pc.Close()
		return context.Canceled
	}
	_ = e.pc.SetDeadline(time.Time{})
	res.Body = &upgradedConn{Conn: e.pc.Conn, rest: append([]byte(nil), e.pc.buffered()...)}
	return nil
}

// upgradedConn is a connection after a 101 response.
type upgradedConn struct {
	net.Conn
	rest []byte // received after the headers, not read yet
}

func (c *upgradedConn) Read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.rest)
	if c.rest = c.rest[n:]; len(c.rest) == 0 {
		c.rest = nil
	}
	return n, nil
}

// CloseWrite closes the direction to the target.
func (c *upgradedConn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

// inFlightUpgrade is the connection of a 101 response. It counts as in flight until it
// is closed.
type inFlightUpgrade struct {
	io.ReadWriteCloser
	endpoint *endpoint
	released atomic.Bool
}

// Unwrap returns the TCP connection to the target, and the bytes that were already received
// from it after the response's headers. Over TLS it returns nil.
func (u *inFlightUpgrade) Unwrap() (c net.Conn, received []byte) {
	if c, ok := u.ReadWriteCloser.(*upgradedConn); ok {
		received, c.rest = c.rest, nil
		return c.Conn, received
	}
	return nil, nil
}

func (u *inFlightUpgrade) Close() error {
	err := u.ReadWriteCloser.Close()
	if !u.released.Swap(true) {
		u.endpoint.release()
	}
	return err
}

// CloseWrite closes the direction to the target. The other direction stays open.
func (u *inFlightUpgrade) CloseWrite() error {
	half, ok := u.ReadWriteCloser.(interface{ CloseWrite() error })
	if !ok {
		return u.Close()
	}
	return half.CloseWrite()
}

// SetWriteDeadline limits how long a write waits for a target that doesn't read. Over
// TLS it returns errors.ErrUnsupported.
func (u *inFlightUpgrade) SetWriteDeadline(t time.Time) error {
	c, ok := u.ReadWriteCloser.(interface{ SetWriteDeadline(time.Time) error })
	if !ok {
		return errors.ErrUnsupported
	}
	return c.SetWriteDeadline(t)
}
