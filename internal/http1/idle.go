package http1

import (
	"errors"
	"io"
	"syscall"
	"time"

	"wxgate/internal/rawio"
)

// awaitRequest waits for the first byte of a request. It reports false if the connection
// ended or timed out before. An idle connection holds no buffer.
func (c *conn) awaitRequest() bool {
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
	err := c.readFirst()
	if err != nil && c.server.closeIdle.Load() {
		err = c.readPending()
	}
	c.setIdle(false)
	return err == nil
}

// idleDeadline is the time until which a request must begin: ReadHeaderTimeout for the first
// one of a connection, IdleTimeout for others.
func (c *conn) idleDeadline() time.Time {
	if c.requests == 0 {
		return c.acceptedAt.Add(c.server.readHeaderTimeout())
	}
	return time.Now().Add(c.server.idleTimeout())
}

// readFirst waits until the connection is readable, and reads into the buffer of a
// new transaction.
func (c *conn) readFirst() error {
	if c.server.closeIdle.Load() {
		return errConnEnded // awaitRequest calls readPending
	}
	if c.rawConn != nil {
		if err := c.rawConn.Read(c.rawReadFunc); err != nil {
			return err
		}
		return c.firstReadErr
	}
	n, err := c.rwc.Read(c.firstByte[:])
	return c.startTransaction(n, err)
}

// startTransaction begins a transaction with the byte in firstByte. n and err are
// what its Read returned.
func (c *conn) startTransaction(n int, err error) error {
	if n == 0 {
		if err == nil || err == io.EOF {
			err = errConnEnded
		}
		return err
	}
	c.t = newTransaction(c)
	c.t.buf[0] = c.firstByte[0]
	c.t.w = 1
	return nil
}

// readIfReady reads into the buffer of a new transaction. It returns false (for
// RawConn.Read: wait until readable) and holds no buffer if nothing has arrived.
func (c *conn) readIfReady(fd uintptr) bool {
	t := newTransaction(c)
	n, err := rawio.Read(fd, t.buf)
	if err == syscall.EAGAIN {
		t.release()
		return false
	}
	if c.firstReadErr = err; err == nil && n <= 0 {
		c.firstReadErr = errConnEnded
	}
	if c.firstReadErr != nil {
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

// endIdleWait ends the wait of a connection without a request. A request that has
// arrived just before is still served.
func (c *conn) endIdleWait() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idle {
		_ = c.accepted.SetReadDeadline(past)
	}
}

// readPending reads what has arrived of a request, without waiting for more.
func (c *conn) readPending() error {
	if c.rawConn != nil {
		c.firstReadErr = errConnEnded
		err := c.rawConn.Control(func(fd uintptr) {
			if !c.readIfReady(fd) {
				c.firstReadErr = errConnEnded
			}
		})
		if err == nil {
			err = c.firstReadErr
		}
		return err
	}
	_ = c.setReadDeadline(time.Now().Add(readPendingTimeout))
	n, err := c.rwc.Read(c.firstByte[:])
	return c.startTransaction(n, err)
}

// readPendingTimeout bounds readPending over TLS, which can't read without waiting.
const readPendingTimeout = time.Millisecond

// errConnEnded means that the client has closed its sending side.
var errConnEnded = errors.New("http1: the client has closed its side")
