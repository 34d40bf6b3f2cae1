package proxy

import (
	"context"
	"time"

	"wxgate/internal/cancellation"
	"wxgate/proxy/upstream"
)

// forwardContext is the context of a request to a backend. It ends with the
// client's request, or by cancel, for a reason of the gateway's own. Unlike one of
// context.WithCancelCause it costs one registration with the client's context,
// and tells the upstream's connection by itself.
type forwardContext struct {
	cancellation.Cancellation

	parent   context.Context
	unfollow func() bool // the client's request
	canceler upstream.Canceler
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
	if c.End(err, cause) {
		c.canceler.Cancel()
	}
}

func (c *forwardContext) Deadline() (time.Time, bool) { return c.parent.Deadline() }

func (c *forwardContext) Value(key any) any { return c.parent.Value(key) }

// causeOf is context.Cause, for a forwardContext too.
func causeOf(ctx context.Context) error {
	c, ok := ctx.(*forwardContext)
	if !ok {
		return context.Cause(ctx)
	}
	return c.Cause()
}
