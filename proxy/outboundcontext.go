package proxy

import (
	"context"
	"time"

	"wxgate/internal/cancellation"
	"wxgate/proxy/upstream"
)

// outboundContext is the context of a request to a backend. It ends with the context of
// the client's request, or by cancel. Unlike a context of context.WithCancelCause it
// allocates nothing if package http1 serves the request, and cancels the upstream's
// connection itself.
type outboundContext struct {
	cancellation.Cancellation

	parent        context.Context
	notifier      notifier              // parent, if it is one; else nil
	callback      cancellation.Callback // used with notifier
	stopAfterFunc func() bool           // of context.AfterFunc; nil with notifier
	canceler      upstream.Canceler
}

// notifier is implemented by a context with a cancellation.Cancellation.
type notifier interface {
	Register(callback *cancellation.Callback, run func())
	Unregister(callback *cancellation.Callback) bool
}

// start makes the context end with parent. parentEnded is c.parentEnded; the
// caller keeps the method value, so that it is allocated once.
func (c *outboundContext) start(parent context.Context, parentEnded func()) {
	c.parent = parent
	var ok bool
	if c.notifier, ok = parent.(notifier); ok {
		c.notifier.Register(&c.callback, parentEnded)
		return
	}
	c.stopAfterFunc = context.AfterFunc(parent, parentEnded)
}

// parentEnded is called when parent has ended.
func (c *outboundContext) parentEnded() { c.cancelWith(c.parent.Err(), context.Cause(c.parent)) }

// cancel ends the context with a cause, which causeOf returns.
func (c *outboundContext) cancel(cause error) { c.cancelWith(context.Canceled, cause) }

// stop ends the context at the end of the request. It reports whether parent was still
// active: parentEnded is not running then, and will not be called.
func (c *outboundContext) stop() (stopped bool) {
	if c.notifier != nil {
		stopped = c.notifier.Unregister(&c.callback)
	} else {
		stopped = c.stopAfterFunc()
	}
	c.cancel(nil)
	return stopped
}

// cancelWith ends the context. Only the first call has an effect.
func (c *outboundContext) cancelWith(err, cause error) {
	if c.Cancellation.Cancel(err, cause) {
		c.canceler.Cancel()
	}
}

// Deadline implements context.Context.
func (c *outboundContext) Deadline() (time.Time, bool) { return c.parent.Deadline() }

// Value implements context.Context.
func (c *outboundContext) Value(key any) any { return c.parent.Value(key) }

// causeOf is context.Cause that supports outboundContext.
func causeOf(ctx context.Context) error {
	c, ok := ctx.(*outboundContext)
	if !ok {
		return context.Cause(ctx)
	}
	return c.Cause()
}
