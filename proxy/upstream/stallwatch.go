package upstream

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// stallWatch ends a request whose target takes no more of its body and sends
// no headers either. http.Transport's own limit starts when all is sent, which
// such a target never lets happen. Waiting for the client doesn't count.
type stallWatch struct {
	body   *requestBody
	limit  time.Duration
	cancel context.CancelCauseFunc
	timer  *time.Timer
	fired  atomic.Bool
}

var errStalled = errors.New("target stopped taking the request's body")

// startStallWatch returns the context to send the request with. It ends with ctx at
// the latest, which is that of a server's request and ends with it.
func startStallWatch(ctx context.Context, body *requestBody, limit time.Duration) (context.Context, *stallWatch) {
	w := &stallWatch{body: body, limit: limit}
	ctx, w.cancel = context.WithCancelCause(ctx)
	w.timer = time.AfterFunc(limit, w.check)
	return ctx, w
}

func (w *stallWatch) check() {
	left := w.limit - w.body.stalledFor(time.Now())
	if left > 0 {
		w.timer.Reset(left)
		return
	}
	w.fired.Store(true)
	w.cancel(errStalled)
}

// end stops the watch: after the headers a target may take its time.
func (w *stallWatch) stop() {
	if w != nil {
		w.timer.Stop()
	}
}

// stalled reports whether the watch has ended the request.
func (w *stallWatch) stalled() bool { return w != nil && w.fired.Load() }
