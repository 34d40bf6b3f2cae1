package http1

import "time"

// The background read is how a client that goes away is noticed where nothing
// else tells: one byte is read beside the handler once the request's body has
// come to its end. A byte that comes is the beginning of the next request.

// startBackgroundRead does nothing where the watcher tells. c.mu is held.
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

// endBackgroundRead ends it, and puts what it has read where it belongs.
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
