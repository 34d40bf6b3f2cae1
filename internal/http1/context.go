package http1

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// ErrShutdown ends a request's context when Shutdown's time is over. It is
// context.Canceled to errors.Is.
var ErrShutdown error = shutdownError{}

type shutdownError struct{}

func (shutdownError) Error() string        { return "the server is shutting down" }
func (shutdownError) Is(target error) bool { return target == context.Canceled }

// requestContext is the context of the requests of one transaction, one after
// the other: it is set back for each. It knows AfterFunc, so that contexts
// made from it need no goroutine.
type requestContext struct {
	local  net.Addr
	fields *[]Field

	mu    sync.Mutex
	err   error
	done  chan struct{} // nil: nobody has asked for it
	after map[*afterFunc]struct{}
	ran   bool // functions of after were started, and may ask for err late
}

// awaited reports whether the context can't be set back: what was started at
// its end has to find its error.
func (c *requestContext) awaited() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ran
}

type afterFunc struct{ run func() }

func (c *requestContext) reset(local net.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.local, c.err, c.done = local, nil, nil
}

func (c *requestContext) Deadline() (time.Time, bool) { return time.Time{}, false }

func (c *requestContext) Done() <-chan struct{} {
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

func (c *requestContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *requestContext) Value(key any) any {
	switch key {
	case fieldsKey{}:
		return c.fields
	case http.LocalAddrContextKey:
		return c.local
	}
	return nil
}

// AfterFunc is what context looks for in a context that isn't its own.
func (c *requestContext) AfterFunc(run func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		c.ran = true
		go run()
		return func() bool { return false }
	}
	f := &afterFunc{run}
	if c.after == nil {
		c.after = map[*afterFunc]struct{}{}
	}
	c.after[f] = struct{}{}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, waiting := c.after[f]
		delete(c.after, f)
		return waiting
	}
}

// end ends the context with an error; the first one stays.
func (c *requestContext) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	if c.done != nil {
		close(c.done)
	}
	for f := range c.after {
		c.ran = true
		go f.run()
	}
	clear(c.after)
}
