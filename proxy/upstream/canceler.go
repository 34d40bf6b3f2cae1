package upstream

import (
	"context"
	"sync/atomic"
)

// Canceler cancels one request from another goroutine. The zero value is ready; it must
// not be used for a second request.
//
// It never touches a connection that was released to the pool, where another request
// may use it. The one of detach (by the request) and Cancel that removes the connection
// from conn may use it.
type Canceler struct {
	canceled atomic.Bool
	conn     atomic.Pointer[persistConn] // of the request at present; nil: none
}

// Cancel cancels the request: reads and writes on its connection return at once. It is
// to be called after the request's context has ended.
func (c *Canceler) Cancel() {
	c.canceled.Store(true)
	if pc := c.conn.Swap(nil); pc != nil {
		pc.abort()
	}
}

// attach sets the connection of the request. It returns false if the request is already
// canceled.
func (c *Canceler) attach(pc *persistConn) bool {
	c.conn.Store(pc)
	return !c.canceled.Load()
}

// detach removes the connection and makes it the caller's alone. It returns false if
// Cancel has aborted it or may still do so.
func (c *Canceler) detach(pc *persistConn) bool { return c.conn.CompareAndSwap(pc, nil) }

// watch calls Cancel when ctx ends, unless stop was called before.
func (c *Canceler) watch(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, c.Cancel)
}
