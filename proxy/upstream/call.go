package upstream

import (
	"context"
	"net/http"
	"sync/atomic"

	"wxgate/internal/fieldlist"
)

// Call is a request and what accompanies it. It serves one Do.
type Call struct {
	// Request must be the caller's to give away: it and its URL may be changed.
	// Its URL needs the final path and query alone; RawPath, where set, is Path's
	// encoding. Its Header is not looked at.
	Request *http.Request

	// Header is the request's, as it is sent over HTTP/1.1. What frames the
	// message (Host, Content-Length, Transfer-Encoding, Trailer) is left out.
	Header fieldlist.List

	// HashKey is what hash_openid balances by: the same key goes to the same target
	// for as long as that target takes requests. When a target leaves, only its own
	// keys move. Empty: round robin.
	HashKey string

	// Interim, where set, is called with each 1xx response but 101, while Do has
	// not returned. An error from it ends the request.
	Interim func(status int, header fieldlist.List) error

	// Canceler, where set, is called when Request's context ends, and Do need not
	// watch that context itself, which costs more than anything else it does.
	Canceler *Canceler

	attempts attempts
}

// Released reports, once the response's body has come to its end or was closed,
// whether the call and all that belongs to it are the caller's alone again. Where
// they aren't, goroutines that Do has started may still look at them.
func (c *Call) Released() bool {
	a := &c.attempts
	return a.body == nil && !a.usedNetHTTP && a.canceler != nil && (a.exchange.transport == nil || a.exchange.released())
}

// Canceler ends one request from another goroutine. The zero value is ready; it
// must not be used for a second request.
//
// A connection that has gone back to the pool, and perhaps to another request,
// is never touched: whoever takes it out of conn owns it, the request when it is
// done with it, or Cancel.
type Canceler struct {
	canceled atomic.Bool
	conn     atomic.Pointer[persistConn] // that the request uses at present
}

// Cancel ends the request: what waits for its connection returns at once. It is
// to be called after the request's context has ended.
func (c *Canceler) Cancel() {
	c.canceled.Store(true)
	if pc := c.conn.Swap(nil); pc != nil {
		pc.abort()
	}
}

// begin hands pc to the request; false where it is canceled already.
func (c *Canceler) attach(pc *persistConn) bool {
	c.conn.Store(pc)
	return !c.canceled.Load()
}

// end takes pc back; false where Cancel has taken it, or may yet.
func (c *Canceler) detach(pc *persistConn) bool { return c.conn.CompareAndSwap(pc, nil) }

// watch calls Cancel when ctx ends, until the returned function is called.
func (c *Canceler) watch(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, c.Cancel)
}
