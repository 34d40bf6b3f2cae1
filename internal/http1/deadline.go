package http1

import (
	"errors"
	"time"
)

// deadline is the deadline last set on the connection; known is false before the
// first.
type deadline struct {
	at    time.Time
	known bool
}

// near reports whether the deadline is not later than at, and earlier by at most
// 1/64 of the time that remains until at.
func (d deadline) near(at time.Time) bool {
	if d.at.IsZero() || at.IsZero() {
		return d.known && d.at.Equal(at)
	}
	early := at.Sub(d.at)
	return d.known && early >= 0 && early <= time.Until(at)/64
}

// setReadDeadline sets the read deadline exactly.
func (c *conn) setReadDeadline(at time.Time) error {
	c.deadlines.Lock()
	defer c.deadlines.Unlock()
	c.readDeadline = deadline{at, true}
	return c.rwc.SetReadDeadline(at)
}

// setReadDeadlineNear sets the read deadline unless the one in force is near enough
// (see near): setting one costs more than the check.
func (c *conn) setReadDeadlineNear(at time.Time) {
	c.deadlines.Lock()
	near := c.readDeadline.near(at)
	c.deadlines.Unlock()
	if !near {
		_ = c.setReadDeadline(at)
	}
}

func (c *conn) setWriteDeadline(at time.Time) error {
	c.deadlines.Lock()
	defer c.deadlines.Unlock()
	c.writeDeadline = deadline{at, true}
	return c.rwc.SetWriteDeadline(at)
}

// setWriteTimeout sets the write deadline of a request, WriteTimeout from now.
func (c *conn) setWriteTimeout() {
	var at time.Time
	if timeout := c.server.WriteTimeout; timeout > 0 {
		at = time.Now().Add(timeout)
	}
	c.deadlines.Lock()
	set := c.writeDeadline
	c.deadlines.Unlock()
	if !set.near(at) {
		_ = c.setWriteDeadline(at)
	}
}

// past is a deadline that ends a wait at once.
var past = time.Unix(1, 0)

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
