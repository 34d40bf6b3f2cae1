package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// maxStaleConnRetries bounds how often an endpoint is tried anew because an idle
// connection turned out to be closed before anything was written to it.
const maxStaleConnRetries = 100

// retryDecision is what follows from an attempt's error.
type retryDecision struct {
	err            error
	reason         string // counted under it; empty: not the target's fault
	ejects         bool   // counts towards ejection
	retryStaleConn bool   // an idle connection was closed: try the same endpoint
	retry          bool   // safe to repeat at another endpoint
}

// classifyError decides what an attempt's error means and whether the request
// may be sent again.
func (a *attempts) classifyError(err error) retryDecision {
	nothingSent := a.nothingSent()
	repeatable := nothingSent && a.body.unread() || !a.nonIdempotent
	switch {
	case a.req.Context().Err() != nil:
		return retryDecision{err: requestCanceled(a.req.Context())}
	case a.canceler != nil && a.canceler.canceled.Load():
		return retryDecision{err: context.Canceled}
	case a.body.readError() != nil:
		return retryDecision{err: fmt.Errorf("%w: %w", ErrRequestBody, a.body.readError())}
	case !a.connRequested:
		return retryDecision{err: err}
	case !a.connected && isLocalExhaustion(err):
		return retryDecision{err: fmt.Errorf("%w: %w", ErrOverloaded, err)}
	case !a.connected:
		return retryDecision{err: markTimeout(err), reason: reasonConnect, ejects: true, retry: a.body.unread()}
	case a.stall.stalled() || isTimeout(err):
		return retryDecision{err: ErrTimeout, reason: reasonTimeout, ejects: true}
	case a.responseStarted.Load() || !a.isConnectionLoss(err):
		return retryDecision{err: fmt.Errorf("%w: %w", ErrBadResponse, err), reason: reasonResponse}
	case a.reused && repeatable && a.staleConnRetries < maxStaleConnRetries:
		a.newConnOnly = a.newConnOnly || !nothingSent
		return retryDecision{err: err, retryStaleConn: true}
	}
	return retryDecision{err: err, reason: reasonConnection, ejects: true, retry: repeatable}
}

func (a *attempts) usesHTTP2() bool {
	return a.connected && a.persistConn == nil && a.trackedConn == nil
}

// isConnectionLoss tells a broken connection from a malformed response.
func (a *attempts) isConnectionLoss(err error) bool {
	return a.persistConn != nil || a.trackedConn != nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, new(*net.OpError))
}

// markTimeout marks a connection that could not be made in time.
func markTimeout(err error) error {
	if isTimeout(err) {
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	return err
}

// nextAttempt returns the endpoint for another attempt, nil when there is to
// be none. The failure is counted.
func (g *Group) nextAttempt(ep *endpoint, a *attempts, d retryDecision) *endpoint {
	if d.retryStaleConn {
		a.staleConnRetries++
		ep.closeIdle() // idle for longer than the one that was stale
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
		g.countFailure(ep, a)
	}
	if d.reason == reasonTimeout && a.usesHTTP2() {
		ep.replaceConnections()
	}
	if !d.retry || len(a.tried) >= g.config.Retries || g.now().Sub(a.startedAt) >= g.config.Timeout {
		return nil
	}
	return g.nextEndpoint(ep, a)
}

// nextEndpoint picks a further endpoint, if there is one and the retry budget
// allows it.
func (g *Group) nextEndpoint(ep *endpoint, a *attempts) *endpoint {
	a.tried = append(a.tried, ep)
	next, err := g.pick(a)
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

const (
	retryCost        = 5  // requests that pay for one retry
	maxRetryBalance  = 50 // in requests, the most that is saved up: ten retries
	retryMinInterval = time.Second
)

// retryBudget limits retries to a fifth of the requests, so that they don't
// multiply the load on an unhealthy backend. Ten retries can be saved up; when
// all are spent one a second is still granted, so that a group with little
// traffic can retry too.
type retryBudget struct {
	spent       atomic.Int64 // 0: the balance is at maxRetryBalance
	lastGranted atomic.Int64 // when a retry was last granted, in Unix nanoseconds
}

// deposit is called once for each request.
func (b *retryBudget) deposit() {
	if b.spent.Load() > 0 {
		b.spent.Add(-1)
	}
}

// withdraw reports whether one more retry may be made.
func (b *retryBudget) withdraw(now time.Time) bool {
	last := b.lastGranted.Load()
	if b.spent.Add(retryCost) <= maxRetryBalance {
		b.lastGranted.Store(now.UnixNano())
		return true
	}
	b.spent.Add(-retryCost)
	return now.UnixNano()-last >= int64(retryMinInterval) && b.lastGranted.CompareAndSwap(last, now.UnixNano())
}
