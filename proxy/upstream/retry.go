package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// maxStaleConnRetries limits how often a request is sent again to the same endpoint
// because an idle connection was closed by the target.
const maxStaleConnRetries = 100

// retryDecision is what follows from an attempt's error.
type retryDecision struct {
	err            error
	reason         string // metric label of the failure; empty: not the target's fault
	ejects         bool   // counts as a failure for ejection
	retryStaleConn bool   // an idle connection was closed: retry at the same endpoint
	retry          bool   // safe to retry at another endpoint
}

// classifyError decides what an attempt's error means and whether the request may be
// sent again. This is where a retry is decided; nextAttempt applies the limits.
func (cs *callState) classifyError(err error) retryDecision {
	nothingSent := cs.nothingSent()
	repeatable := nothingSent && cs.body.unread() || !cs.nonIdempotent
	switch {
	case cs.req.Context().Err() != nil:
		return retryDecision{err: requestCanceled(cs.req.Context())}
	case cs.canceler != nil && cs.canceler.canceled.Load():
		return retryDecision{err: context.Canceled}
	case cs.body.readError() != nil:
		return retryDecision{err: fmt.Errorf("%w: %w", ErrRequestBody, cs.body.readError())}
	case !cs.connRequested:
		return retryDecision{err: err}
	case !cs.connected && isLocalExhaustion(err):
		return retryDecision{err: fmt.Errorf("%w: %w", ErrOverloaded, err)}
	case !cs.connected:
		return retryDecision{err: markTimeout(err), reason: reasonConnect, ejects: true, retry: cs.body.unread()}
	case cs.stall.stalled() || isTimeout(err):
		return retryDecision{err: ErrTimeout, reason: reasonTimeout, ejects: true}
	case cs.responseStarted.Load() || !cs.isConnectionLoss(err):
		return retryDecision{err: fmt.Errorf("%w: %w", ErrBadResponse, err), reason: reasonResponse}
	case cs.reused && repeatable && cs.staleConnRetries < maxStaleConnRetries:
		cs.newConnOnly = cs.newConnOnly || !nothingSent
		return retryDecision{err: err, retryStaleConn: true}
	}
	return retryDecision{err: err, reason: reasonConnection, ejects: true, retry: repeatable}
}

// nothingSent reports whether no byte of the request can have reached the target. Over
// HTTP/2 that is not known.
func (c *attemptConn) nothingSent() bool {
	switch {
	case !c.connected:
		return true
	case c.persistConn != nil:
		return c.persistConn.written.Load() == 0
	case c.trackedConn != nil:
		return c.trackedConn.written.Load() == 0
	}
	return false
}

func (c *attemptConn) usesHTTP2() bool {
	return c.connected && c.persistConn == nil && c.trackedConn == nil
}

// isConnectionLoss distinguishes a broken connection from a malformed response.
func (cs *callState) isConnectionLoss(err error) bool {
	return cs.persistConn != nil || cs.trackedConn != nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, new(*net.OpError))
}

// isIdempotent reports whether a request with the method may reach a backend twice.
// TRACE, idempotent too, is never forwarded.
func isIdempotent(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// markTimeout wraps the error of a connection that wasn't established in time in
// ErrTimeout.
func markTimeout(err error) error {
	if isTimeout(err) {
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	return err
}

// nextAttempt records the failure and returns the endpoint of the next attempt; nil if
// there is none.
func (g *Group) nextAttempt(ep *endpoint, cs *callState, d retryDecision) *endpoint {
	if d.retryStaleConn {
		cs.staleConnRetries++
		ep.closeIdle() // the others have been idle for longer
		ep.acquire()
		return ep
	}
	if d.reason != "" {
		ep.recordFailure(d.reason, d.err, g.now())
	}
	if d.reason == reasonConnect {
		ep.target.requestLookup()
	}
	if d.ejects {
		g.countFailure(ep, cs)
	}
	if d.reason == reasonTimeout && cs.usesHTTP2() {
		ep.replaceConnections()
	}
	if !d.retry || len(cs.tried) >= g.config.Retries || g.now().Sub(cs.startedAt) >= g.config.Timeout {
		return nil
	}
	return g.nextEndpoint(ep, cs)
}

// nextEndpoint picks another endpoint, if there is one and the retry budget allows it.
func (g *Group) nextEndpoint(ep *endpoint, cs *callState) *endpoint {
	cs.tried = append(cs.tried, ep)
	next, err := g.pick(cs)
	if err != nil {
		return nil
	}
	if !g.retryBudget.withdraw(g.now()) {
		g.metrics.budgetExhausted.WithLabelValues(g.config.Name).Inc()
		next.release()
		return nil
	}
	g.metrics.retries.WithLabelValues(g.config.Name).Inc()
	return next
}
