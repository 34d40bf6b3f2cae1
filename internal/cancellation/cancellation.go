// Package cancellation implements the Done, Err and AfterFunc methods of a
// context. It allocates the Done channel only when Done is called, and with its
// AfterFunc package context starts no goroutine for a derived context.
package cancellation

import "sync"

// Cancellation is the cancellation state of a context.Context. The zero value is
// not cancelled. It must not be copied.
type Cancellation struct {
	mu              sync.Mutex
	err             error // nil: not cancelled
	cause           error
	done            chan struct{} // nil until Done is called
	callbacks       *Callback     // the registered callbacks, a linked list
	callbackStarted bool          // a callback was started, and may call Err at any time
	shared          bool          // Done or AfterFunc was called
}

// Callback is a function that a Cancellation calls when it is cancelled. The
// caller provides its memory, so that Register allocates nothing. The zero value
// is not registered.
type Callback struct {
	run            func()
	previous, next *Callback
	registered     bool
}

// Cancel sets the error, which must not be nil, and its cause, which may be, and
// starts each registered callback in a goroutine of its own. It reports whether
// this was the first call: later ones change nothing.
func (c *Cancellation) Cancel(err, cause error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	c.err, c.cause = err, cause
	if c.done != nil {
		close(c.done)
	}
	for c.callbacks != nil {
		callback := c.callbacks
		c.remove(callback)
		c.callbackStarted = true
		go callback.run()
	}
	return true
}

// Reset makes it not cancelled again, for reuse; registered callbacks stay
// registered. It must not be called if CallbackStarted or Shared returns true.
func (c *Cancellation) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err, c.cause, c.done = nil, nil, nil
}

// CallbackStarted reports whether a callback was started. It may call Err at any
// time, and must then get the error.
func (c *Cancellation) CallbackStarted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.callbackStarted
}

// Shared reports whether Done or AfterFunc was called. If so, code other than the
// owner's may use c at any time.
func (c *Cancellation) Shared() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.shared
}

// Err implements context.Context.
func (c *Cancellation) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Cause returns the cause that Cancel was called with; nil before.
func (c *Cancellation) Cause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// Done implements context.Context.
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

// AfterFunc is the method that package context uses in a context of another
// package. run is called in a goroutine of its own after Cancel; stop prevents
// that, and reports whether it was in time.
func (c *Cancellation) AfterFunc(run func()) (stop func() bool) {
	c.mu.Lock()
	c.shared = true
	c.mu.Unlock()
	callback := &Callback{}
	c.Register(callback, run)
	return func() bool { return c.Unregister(callback) }
}

// Register arranges that run is called in a goroutine of its own after Cancel, or at
// once if Cancel was called already. Until then or until Unregister, callback must not be used
// for anything else.
func (c *Cancellation) Register(callback *Callback, run func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		c.callbackStarted = true
		go run()
		return
	}
	*callback = Callback{run: run, next: c.callbacks, registered: true}
	if c.callbacks != nil {
		c.callbacks.previous = callback
	}
	c.callbacks = callback
}

// Unregister prevents a callback's call, and reports whether it was in time.
func (c *Cancellation) Unregister(callback *Callback) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !callback.registered {
		return false
	}
	c.remove(callback)
	return true
}

// remove removes a callback from the list; mu is held.
func (c *Cancellation) remove(callback *Callback) {
	if callback.previous != nil {
		callback.previous.next = callback.next
	} else {
		c.callbacks = callback.next
	}
	if callback.next != nil {
		callback.next.previous = callback.previous
	}
	callback.previous, callback.next, callback.registered = nil, nil, false
}
