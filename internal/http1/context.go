package http1

import (
	"context"
	"net"
	"net/http"
	"time"

	"wxgate/internal/cancellation"
)

// ErrShutdown ends a request's context when Shutdown's time is over. It is
// context.Canceled to errors.Is.
var ErrShutdown error = shutdownError{}

type shutdownError struct{}

func (shutdownError) Error() string        { return "the server is shutting down" }
func (shutdownError) Is(target error) bool { return target == context.Canceled }

// requestContext is the context of the requests of one transaction, one after
// the other: it is set back for each.
type requestContext struct {
	cancellation.Cancellation

	local net.Addr
}

func (c *requestContext) reset(local net.Addr) {
	c.Reset()
	c.local = local
}

func (c *requestContext) Deadline() (time.Time, bool) { return time.Time{}, false }

func (c *requestContext) Value(key any) any {
	if key == http.LocalAddrContextKey {
		return c.local
	}
	return nil
}

// end ends the context with an error; the first one stays.
func (c *requestContext) end(err error) { c.Cancel(err, nil) }
