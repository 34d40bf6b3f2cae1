package upstream

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// stallWatch ends a request whose target takes no more of its body and sends
// no headers either. http.Transport's own limit starts when all is sent, which
// such a target never lets happen. Waiting for the client is not held against
// the target.
type stallWatch struct {
	body   *requestBody
	limit  time.Duration
	cancel context.CancelCauseFunc
	timer  *time.Timer
	hit    atomic.Bool
}

var errStalled = errors.New("target stopped taking the request's body")

// watchStall returns the context to send the request with. It ends with ctx at
// the latest, which is that of a server's request and ends with it.
func watchStall(ctx context.Context, body *requestBody, limit time.Duration) (context.Context, *stallWatch) {
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
	w.hit.Store(true)
	w.cancel(errStalled)
}

// end stops the watch; what follows may take its time.
func (w *stallWatch) end() {
	if w != nil {
		w.timer.Stop()
	}
}

// struck reports whether the watch has ended the request.
func (w *stallWatch) struck() bool { return w != nil && w.hit.Load() }
