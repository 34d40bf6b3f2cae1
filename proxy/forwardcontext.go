package proxy

import (
	"context"
	"time"

	"wxgate/internal/cancellation"
	"wxgate/proxy/upstream"
)

// forwardContext is the context of a request to a backend. It ends with the
// client's request, or by cancel, for a reason of the gateway's own. Unlike one of
// context.WithCancelCause it takes no memory of its own to follow a request of
// http1, and tells the upstream's connection by itself.
type forwardContext struct {
	cancellation.Cancellation

	parent   context.Context
	client   hooks                 // of the client's request; nil: it has none
	hook     cancellation.Callback // with client
	unfollow func() bool           // without
	canceler upstream.Canceler
}

// hooks is a context that has a Cancellation.
type hooks interface {
	Register(callback *cancellation.Callback, run func())
	Unregister(callback *cancellation.Callback) bool
}

// follow begins to follow a client's request. gone is c.clientGone.
func (c *forwardContext) follow(parent context.Context, gone func()) {
	c.parent = parent
	var ok bool
	if c.client, ok = parent.(hooks); ok {
		c.client.Register(&c.hook, gone)
		return
	}
	c.unfollow = context.AfterFunc(parent, gone)
}

func (c *forwardContext) clientGone() { c.finish(c.parent.Err(), context.Cause(c.parent)) }

// cancel ends the request for a reason, which causeOf tells.
func (c *forwardContext) cancel(reason error) { c.finish(context.Canceled, reason) }

// end is called when the request is over. It reports whether the client's request
// had not ended before, so that nothing comes of that any more.
func (c *forwardContext) end() (followed bool) {
	if c.client != nil {
		followed = c.client.Unregister(&c.hook)
	} else {
		followed = c.unfollow()
	}
	c.cancel(nil)
	return followed
}

// finish ends the context; the first time counts.
func (c *forwardContext) finish(err, cause error) {
	if c.Cancellation.Cancel(err, cause) {
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
