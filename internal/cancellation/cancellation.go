// Package cancellation is what a context of one's own is made of: it ends once,
// makes a channel only for those who ask for it, and knows AfterFunc, so that
// contexts made from it need no goroutine.
package cancellation

import "sync"

// Cancellation has the methods of a context.Context that tell of its end. The
// zero value has not ended. It must not be copied.
type Cancellation struct {
	mu      sync.Mutex
	err     error // nil: it goes on
	cause   error
	done    chan struct{} // nil: nobody has asked for it
	hooks   *Hook         // a list of those that wait
	started bool          // functions that waited were, and may ask for err late
	shared  bool          // Done or AfterFunc was called
}

// Hook is a function that waits for the end of a Cancellation. Its memory is the
// caller's, so that waiting takes none. The zero value waits for nothing.
type Hook struct {
	run            func()
	previous, next *Hook
	waiting        bool
}

// End ends it with an error, which is not nil, and its cause, which may be. It
// reports whether it was the first to: later ones change nothing.
func (c *Cancellation) End(err, cause error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	c.err, c.cause = err, cause
	if c.done != nil {
		close(c.done)
	}
	for c.hooks != nil {
		h := c.hooks
		c.remove(h)
		c.started = true
		go h.run()
	}
	return true
}

// Reset sets it back to its zero value, but for functions that wait for its end.
// It is not for one of which Started is true.
func (c *Cancellation) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err, c.cause, c.done = nil, nil, nil
}

// Started reports whether its end has started functions. They have to find its
// error, however late they look.
func (c *Cancellation) Started() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.started
}

// Shared reports whether anybody has asked for Done or AfterFunc, and may look at
// it at any time.
func (c *Cancellation) Shared() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shared
}

// Err is context.Context's.
func (c *Cancellation) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Cause is what End was given; nil before.
func (c *Cancellation) Cause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// Done is context.Context's.
func (c *Cancellation) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shared = true
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	return c.done
}

// AfterFunc is what package context looks for in a context that isn't its own. It
// has run called in a goroutine at the end; stop reports whether it prevented that.
func (c *Cancellation) AfterFunc(run func()) (stop func() bool) {
	c.mu.Lock()
	c.shared = true
	c.mu.Unlock()
	h := &Hook{run: run}
	c.Wait(h, run)
	return func() bool { return c.Forget(h) }
}

// Wait has run called in a goroutine at the end, as AfterFunc does. Until then or
// until Forget, h must not be used for anything else.
func (c *Cancellation) Wait(h *Hook, run func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		c.started = true
		go run()
		return
	}
	*h = Hook{run: run, next: c.hooks, waiting: true}
	if c.hooks != nil {
		c.hooks.previous = h
	}
	c.hooks = h
}

// Forget reports whether it was in time: the function was not called and won't be.
func (c *Cancellation) Forget(h *Hook) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !h.waiting {
		return false
	}
	c.remove(h)
	return true
}

// remove takes a hook off the list; mu is held.
func (c *Cancellation) remove(h *Hook) {
	if h.previous != nil {
		h.previous.next = h.next
	} else {
		c.hooks = h.next
	}
	if h.next != nil {
		h.next.previous = h.previous
	}
	h.previous, h.next, h.waiting = nil, nil, false
}
