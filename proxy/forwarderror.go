package proxy

import (
	"context"
	"errors"
	"time"

	"wxgate/apierror"
	"wxgate/internal/http1"
	"wxgate/proxy/upstream"
)

// overloadedRetryAfter is the Retry-After of 503 overloaded.
const overloadedRetryAfter = time.Second

// upstreamRetryAfter is the Retry-After of 503 no_healthy_upstream: about the time after
// which an ejected endpoint is tried again.
const upstreamRetryAfter = 2 * time.Second

// errAbortedByShutdown is the logged cause of requests that did not finish within
// shutdown_timeout.
var errAbortedByShutdown = errors.New("aborted by the gateway's shutdown")

// forwardError maps an error of forwarding to the gateway's error: the session's end, an
// error of the client, the gateway's shutdown, or an error of the backend.
func (g *Gateway) forwardError(ctx context.Context, err error, body *requestBody) *apierror.Error {
	var cause *apierror.Error
	if errors.As(causeOf(ctx), &cause) {
		return cause
	}
	if e := body.clientError(); e != nil {
		return e
	}
	switch {
	case ctx.Err() != nil && (g.aborting.Load() || errors.Is(ctx.Err(), http1.ErrShutdown)):
		// No 503: a client may repeat a request after that, and the backend may have
		// processed this one.
		return apierror.New(apierror.UpstreamError, "the gateway shut down before the backend responded").WithCause(errAbortedByShutdown)
	case ctx.Err() != nil:
		return apierror.New(apierror.ClientClosed, "the client closed the connection").WithCause(err)
	case errors.Is(err, upstream.ErrOverloaded):
		e := apierror.New(apierror.Overloaded, "the gateway is overloaded, try again").WithCause(err)
		e.RetryAfter = overloadedRetryAfter
		return e
	case errors.Is(err, upstream.ErrNoHealthy):
		e := apierror.New(apierror.NoHealthyUpstream, "no backend is healthy, try again").WithCause(err)
		e.RetryAfter = upstreamRetryAfter
		return e
	case errors.Is(err, upstream.ErrRequestBody):
		return bodyError(err)
	case errors.Is(err, upstream.ErrTimeout):
		return apierror.New(apierror.UpstreamTimeout, "the backend did not respond in time").WithCause(err)
	}
	return apierror.New(apierror.UpstreamError, "the backend could not be reached, or its response was incomplete").WithCause(err)
}

// shutdownError is the error of what is still open at the end of shutdown_timeout.
func shutdownError() *apierror.Error {
	e := apierror.New(apierror.Overloaded, "the gateway is shutting down")
	e.RetryAfter = overloadedRetryAfter
	return e
}
