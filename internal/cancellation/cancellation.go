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
	after   map[*func()]struct{}
	started bool // functions of AfterFunc were, and may ask for err late
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
	for run := range c.after {
		c.started = true
		go (*run)()
	}
	clear(c.after)
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
	defer c.mu.Unlock()
	if c.err != nil {
		c.started = true
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
		return waiting
	}
}
