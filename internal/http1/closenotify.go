package http1

import (
	"context"
)

// activate makes t the transaction whose handler runs. A client that disconnects
// ends the context of this transaction only.
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
	c.active = nil // bodyRead must not start a background read any more
	c.mu.Unlock()
	c.endBackgroundRead()
	t.ctx.end(context.Canceled)
}

// interrupt ends the context of the request in flight: the server stops.
func (c *conn) interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupted = true
	if c.active != nil {
		c.active.ctx.end(ErrShutdown)
	}
}

// clientClosed ends the context of the request in flight, and of those that follow:
// the client has closed its sending side.
func (c *conn) clientClosed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.disconnected = true
	if c.active != nil {
		c.active.ctx.end(context.Canceled)
	}
}

// bodyRead is called when the request's body has been read to its end.
func (c *conn) bodyRead() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.active != nil && !c.disconnected {
		c.startBackgroundRead()
	}
}
