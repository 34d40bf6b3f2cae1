package http1

import (
	"errors"
	"io"
	"syscall"
	"time"
	"wxgate/internal/rawio"
)

// awaitRequest waits for the first byte of a request. Without one in the buffer the
// connection is idle and has no buffer.
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

// idleDeadline is how long a request may not come. A new connection must send
// one at once.
func (c *conn) idleDeadline() time.Time {
	if c.requests == 0 {
		return c.openedAt.Add(c.server.readHeaderTimeout())
	}
	return time.Now().Add(c.server.idleTimeout())
}

// readFirst waits for something to read, and reads it into a new
// transaction's buffer.
func (c *conn) readFirst() error {
	if c.server.closeIdle.Load() {
		return errConnEnded // lastLook sees what there is
	}
	if c.ready != nil {
		if err := c.ready.Read(c.readReady); err != nil {
			return err
		}
		return c.firstErr
	}
	n, err := c.rwc.Read(c.firstByte[:])
	return c.startTransaction(n, err)
}

// startTransaction begins a transaction with the byte in one.
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

// readIfReady is called when there may be something to read. It has a buffer only
// while there is.
func (c *conn) readIfReady(fd uintptr) bool {
	t := newTransaction(c)
	n, err := rawio.Read(fd, t.buf)
	if err == syscall.EAGAIN {
		t.release()
		return false
	}
	if c.firstErr = err; err == nil && n <= 0 {
		c.firstErr = errConnEnded
	}
	if c.firstErr != nil {
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

// endIdleWait ends the waiting of a connection that has no request. Where one has
// just come, it is answered.
func (c *conn) endIdleWait() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idle {
		_ = c.raw.SetReadDeadline(past)
	}
}

// readPending reads what has come of a request by now, without waiting.
func (c *conn) readPending() error {
	if c.ready != nil {
		c.firstErr = errConnEnded
		err := c.ready.Control(func(fd uintptr) {
			if !c.readIfReady(fd) {
				c.firstErr = errConnEnded
			}
		})
		if err == nil {
			err = c.firstErr
		}
		return err
	}
	_ = c.setReadDeadline(time.Now().Add(readPendingTimeout))
	n, err := c.rwc.Read(c.firstByte[:])
	return c.startTransaction(n, err)
}

// readPendingTimeout is how long a TLS connection may take to show what has come.
const readPendingTimeout = time.Millisecond

// errConnEnded is the end of what the client sends.
var errConnEnded = errors.New("http1: the client has closed its side")
