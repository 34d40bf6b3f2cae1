package http1

import (
	"context"
	"net"
	"net/http"
	"time"

	"wxgate/internal/cancellation"
)

// ErrShutdown is Err of a request's context after Shutdown has ended it.
// errors.Is(ErrShutdown, context.Canceled) is true.
var ErrShutdown error = shutdownError{}

type shutdownError struct{}

func (shutdownError) Error() string        { return "the server is shutting down" }
func (shutdownError) Is(target error) bool { return target == context.Canceled }

// requestContext is the context.Context of a transaction's requests. It is reset for each.
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

// end ends the context with an error. Only the first call has an effect.
func (c *requestContext) end(err error) { c.Cancel(err, nil) }
