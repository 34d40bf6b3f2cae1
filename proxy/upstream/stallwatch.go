package upstream

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// stallWatch cancels a request over http.Transport if the target reads no more of its
// body and sends no headers either. http.Transport's own timeout only starts when the
// whole body is sent. Time spent waiting for the client doesn't count.
type stallWatch struct {
	body   *requestBody
	limit  time.Duration
	cancel context.CancelCauseFunc
	timer  *time.Timer
	fired  atomic.Bool
}

var errStalled = errors.New("target stopped reading the request's body")

// startStallWatch returns the context for sending the request. After success nothing
// cancels it but ctx, the context of the server's request, which ends with the request.
func startStallWatch(ctx context.Context, body *requestBody, limit time.Duration) (context.Context, *stallWatch) {
	w := &stallWatch{body: body, limit: limit}
	ctx, w.cancel = context.WithCancelCause(ctx)
	w.timer = time.AfterFunc(limit, w.check)
	return ctx, w
}

// check runs when the limit may be over: it cancels the request, or runs again later.
func (w *stallWatch) check() {
	remaining := w.limit - w.body.stalledFor(time.Now())
	if remaining > 0 {
		w.timer.Reset(remaining)
		return
	}
	w.fired.Store(true)
	w.cancel(errStalled)
}

// stop is called when the headers are received: after them there is no limit.
func (w *stallWatch) stop() {
	if w != nil {
		w.timer.Stop()
	}
}

// stalled reports whether the watch has canceled the request.
func (w *stallWatch) stalled() bool { return w != nil && w.fired.Load() }
