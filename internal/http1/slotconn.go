package http1

import (
	"errors"
	"net"
	"sync"
	"syscall"
)

// slotConn is an accepted connection. Close frees its slot among MaxConnections, also
// for a hijacker or the HTTP/2 server.
type slotConn struct {
	net.Conn
	once    sync.Once
	release func()
}

func (c *slotConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.release)
	return err
}

// CloseWrite closes the sending side.
func (c *slotConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// SyscallConn returns the syscall.RawConn of the underlying connection. The error is
// errors.ErrUnsupported if it has no descriptor.
func (c *slotConn) SyscallConn() (syscall.RawConn, error) {
	if sc, ok := c.Conn.(syscall.Conn); ok {
		return sc.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// NetConn returns the connection as it was accepted. Closing it does not free the slot.
func (c *slotConn) NetConn() net.Conn { return c.Conn }
