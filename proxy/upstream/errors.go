package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
)

var (
	// ErrNoHealthy is returned when the active checks found every target of
	// the group unwell.
	ErrNoHealthy = errors.New("no healthy target")

	// ErrTimeout is returned when a target could not be reached in time, sent
	// no headers in time, or stopped taking the request's body.
	ErrTimeout = errors.New("timed out")

	// ErrOverloaded is returned when this process or machine has no file
	// descriptor, port or memory left for a connection to a target. It is never
	// the target's fault.
	ErrOverloaded = errors.New("no resources left for a connection")

	// ErrRequestBody is returned when the request's own body could not be
	// read: the client's fault, or a limit's, and never the target's. The
	// body's error, such as *http.MaxBytesError, is found by errors.As.
	ErrRequestBody = errors.New("request body")

	// ErrBadResponse is returned for a response that is not HTTP, breaks its
	// rules or its limits, or switches protocols unasked.
	ErrBadResponse = errors.New("bad response")
)

var (
	errUnsolicited = errors.New("response without a request")
	errHeaderSize  = errors.New("too much before the response's headers")
	errStatus      = errors.New("status is not of three digits")
	errNoUpgrade   = errors.New("HTTP/2 without TLS carries no WebSocket")
	errUpgrade     = errors.New("switched protocols unasked")
)

// The reasons that failures are counted under.
const (
	reasonConnect    = "connect"    // no connection, or no TLS
	reasonConnection = "connection" // broke before any response
	reasonTimeout    = "timeout"
	reasonResponse   = "response" // not proper HTTP
	reasonStatus     = "status"   // 502, 503, 504
	reasonHealth     = "health"   // an active check
)

// requestCanceled says that the request's context ended: the error is both the
// context's own (context.Canceled, context.DeadlineExceeded) and its cause.
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

// isLocalExhaustion tells a connection that this machine could not open from one
// that the target refused.
func isLocalExhaustion(err error) bool {
	for _, e := range [...]syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// isIdempotent holds for the methods that may reach a backend twice.
func isIdempotent(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}
