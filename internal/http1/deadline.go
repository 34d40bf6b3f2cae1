package http1

import (
	"errors"
	"time"
)

// deadline is what a deadline of the connection is set to; known: it is.
type deadline struct {
	at    time.Time
	known bool
}

// near reports whether the deadline is at most 2 % of what is left before at,
// and not behind it.
func (d deadline) near(at time.Time) bool {
	if d.at.IsZero() || at.IsZero() {
		return d.known && d.at.Equal(at)
	}
	early := at.Sub(d.at)
	return d.known && early >= 0 && early <= time.Until(at)/64
}

// setReadDeadline sets the deadline exactly.
func (c *conn) setReadDeadline(at time.Time) error {
	c.deadlines.Lock()
	defer c.deadlines.Unlock()
	c.readDeadline = deadline{at, true}
	return c.rwc.SetReadDeadline(at)
}

// setReadDeadlineNear leaves a deadline as it is that is a little early (see
// near). Setting one costs more than the check.
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

// setWriteTimeout sets the write deadline of a request.
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

// past is a deadline that ends what waits.
var past = time.Unix(1, 0)

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
