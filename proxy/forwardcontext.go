package proxy

import (
	"context"
	"sync"
	"time"

	"wxgate/proxy/upstream"
)

// forwardContext is the context of a request to a backend. It ends with the
// client's request, or by cancel, for a reason of the gateway's own. Unlike one of
// context.WithCancelCause it costs one registration with the client's context,
// tells the upstream's connection by itself, and makes a channel only for those
// who ask for it.
type forwardContext struct {
	parent   context.Context
	unfollow func() bool // the client's request
	canceler upstream.Canceler

	mu    sync.Mutex
	err   error // nil: it goes on
	cause error
	done  chan struct{}        // nil: nobody has asked for it
	after map[*func()]struct{} // to be called at the end
}

// newForwardContext follows a client's request; end must be called.
func newForwardContext(parent context.Context) *forwardContext {
	c := &forwardContext{parent: parent}
	if p, ok := parent.(interface{ AfterFunc(func()) func() bool }); ok {
		c.unfollow = p.AfterFunc(c.clientGone)
	} else {
		c.unfollow = context.AfterFunc(parent, c.clientGone)
	}
	return c
}

func (c *forwardContext) clientGone() { c.finish(c.parent.Err(), context.Cause(c.parent)) }

// cancel ends the request for a reason, which causeOf tells.
func (c *forwardContext) cancel(reason error) { c.finish(context.Canceled, reason) }

// end is called when the request is over.
func (c *forwardContext) end() {
	c.unfollow()
	c.cancel(nil)
}

// finish ends the context; the first time counts.
func (c *forwardContext) finish(err, cause error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err, c.cause = err, cause
	if c.done != nil {
		close(c.done)
	}
	for run := range c.after {
		go (*run)()
	}
	c.mu.Unlock()
	c.canceler.Cancel()
}

func (c *forwardContext) Deadline() (time.Time, bool) { return c.parent.Deadline() }

func (c *forwardContext) Value(key any) any { return c.parent.Value(key) }

func (c *forwardContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *forwardContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	return c.done
}

// AfterFunc is what package context looks for in a context that isn't its own:
// contexts made from this one need no goroutine.
func (c *forwardContext) AfterFunc(run func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go run()
		return func() bool { return false }
	}
	if c.after == nil {
		c.after = map[*func()]struct{}{}
	}
	key := &run
	c.after[key] = struct{}{}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, waiting := c.after[key]
		delete(c.after, key)
		return waiting && c.err == nil
	}
}

// causeOf is context.Cause, for a forwardContext too.
func causeOf(ctx context.Context) error {
	c, ok := ctx.(*forwardContext)
	if !ok {
		return context.Cause(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}
