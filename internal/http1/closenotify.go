package http1

import (
	"context"
)

// activate notes the transaction whose handler runs: a client that goes away ends
// its context, nobody else's.
func (c *conn) activate(t *transaction) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.ctx.reset(c.rwc.LocalAddr())
	c.active = t
	switch {
	case c.interrupted:
		t.ctx.end(ErrShutdown)
	case c.disconnected:
		t.ctx.end(context.Canceled)
	case t.body == nil:
		c.startBackgroundRead()
	}
}

func (c *conn) deactivate(t *transaction) {
	c.mu.Lock()
	c.active = nil // so that a body which ends now begins no background read
	c.mu.Unlock()
	c.endBackgroundRead()
	t.ctx.end(context.Canceled)
}

// interrupt ends the context of the request in flight, for the server stops.
func (c *conn) interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupted = true
	if c.active != nil {
		c.active.ctx.end(ErrShutdown)
	}
}

// clientClosed ends the context of the request in flight, and of those to come.
func (c *conn) clientClosed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.disconnected = true
	if c.active != nil {
		c.active.ctx.end(context.Canceled)
	}
}

// bodyEnded is told that a body has come to its end.
func (c *conn) bodyEnded() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.active != nil && !c.disconnected {
		c.startBackgroundRead()
	}
}
