package wechat

import (
	"context"
	"errors"
	"fmt"
)

// withTimeout returns a context that ends after Config.Timeout, with the cause errTimeout.
func (c *Client) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, c.current.Load().timeout, errTimeout)
}

// errTimeout is the cause of a context that ended by Config.Timeout and not by its
// caller.
var errTimeout = errors.New("no response within the timeout")

// callerError returns the context's error if the caller canceled it or set its deadline,
// and nil if it ended by Config.Timeout or not at all.
func callerError(ctx context.Context) error {
	if context.Cause(ctx) == errTimeout {
		return nil
	}
	return ctx.Err()
}

// transportError returns the error of a request without a response. If the caller ended
// the context, it wraps the context's error.
func transportError(ctx context.Context, call apiCall, err error) error {
	if callerErr := callerError(ctx); callerErr != nil {
		return fmt.Errorf("wechat: %s: %w", call.api, callerErr)
	}
	if ctx.Err() != nil {
		return unavailable(call.api, errTimeout.Error(), retryAfterDefault)
	}
	return unavailable(call.api, printable(err.Error(), call.secrets...), retryAfterDefault)
}
