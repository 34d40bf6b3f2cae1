package http1

import "time"

// The background read detects a client that disconnects if there is no closeNotifier:
// after the request's body has been read, one byte is read concurrently with the handler.
// A byte that arrives is the first of the next request.

// startBackgroundRead does nothing for a connection with a registration. c.mu is held.
func (c *conn) startBackgroundRead() {
	if c.registration != 0 || c.background != nil || c.t.r < c.t.w {
		return
	}
	done := make(chan struct{})
	c.background = done
	c.setReadDeadlineNear(time.Time{})
	go func() {
		defer close(done)
		n, err := c.rwc.Read(c.firstByte[:])
		c.backgroundN = n
		if err != nil && !isTimeout(err) {
			c.clientClosed()
		}
	}()
}

// endBackgroundRead ends the read, and appends the byte that it has read to the
// buffer.
func (c *conn) endBackgroundRead() {
	c.mu.Lock()
	done := c.background
	c.mu.Unlock()
	if done == nil {
		return
	}
	_ = c.setReadDeadline(past)
	<-done
	c.mu.Lock()
	c.background = nil
	c.mu.Unlock()
	_ = c.setReadDeadline(time.Time{})
	if c.backgroundN > 0 {
		c.t.makeRoom(1)
		c.t.buf[c.t.w] = c.firstByte[0]
		c.t.w++
		c.backgroundN = 0
	}
}
