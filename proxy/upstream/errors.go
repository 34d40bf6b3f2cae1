package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

var (
	// ErrNoHealthy is returned when every target of the group is unhealthy by the
	// active checks.
	ErrNoHealthy = errors.New("no healthy target")

	// ErrTimeout is returned when no connection to a target was established in
	// time, or the target sent no headers in time or stopped reading the request's
	// body.
	ErrTimeout = errors.New("timed out")

	// ErrOverloaded is returned when this process or machine has no file
	// descriptor, port or memory left for a connection. It doesn't count as a
	// failure of the target.
	ErrOverloaded = errors.New("no resources left for a connection")

	// ErrRequestBody is returned when the request's body could not be read, because
	// of the client or a limit. It doesn't count as a failure of the target. The
	// body's own error, such as *http.MaxBytesError, is wrapped.
	ErrRequestBody = errors.New("request body")

	// ErrBadResponse is returned for a response that is malformed, exceeds a limit,
	// or switches protocols without a request to do so.
	ErrBadResponse = errors.New("bad response")
)

var (
	errUnsolicited = errors.New("response without a request")
	errHeaderSize  = errors.New("interim responses and headers are too large")
	errStatus      = errors.New("status does not have three digits")
	errNoUpgrade   = errors.New("no WebSocket over HTTP/2 without TLS")
	errUpgrade     = errors.New("protocol switch that was not requested")
)

// The reasons of failures: values of a metric's label.
const (
	reasonConnect    = "connect"    // no connection, or no TLS handshake
	reasonConnection = "connection" // broken before any byte of a response
	reasonTimeout    = "timeout"
	reasonResponse   = "response" // malformed
	reasonStatus     = "status"   // 502, 503, 504
	reasonHealth     = "health"   // an active check
)

// requestCanceled returns the error of a request whose context has ended. It wraps both
// the context's own error (context.Canceled, context.DeadlineExceeded) and its cause.
func requestCanceled(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
		return fmt.Errorf("%w: %w", ctx.Err(), cause)
	}
	return ctx.Err()
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, ErrTimeout) || errors.As(err, &timeout) && timeout.Timeout() ||
		errors.Is(err, os.ErrDeadlineExceeded)
}

// isLocalExhaustion distinguishes a connection for which this machine lacks resources
// from one that the target refused.
func isLocalExhaustion(err error) bool {
	for _, e := range [...]syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
