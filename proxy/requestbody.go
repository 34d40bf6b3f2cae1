package proxy

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"wxgate/apierror"
)

var (
	errBodyTooSlow = errors.New("the body arrives too slowly")
	errBodyStopped = errors.New("the body was read after its request had ended")
)

// requestBody is a client's body with limits of size and time. A transport may read it
// after the handler has returned.
type requestBody struct {
	src       io.ReadCloser
	w         http.ResponseWriter
	remaining int64 // bytes still allowed; < 0: no limit
	limit     int64
	limits    bodyLimits
	onEOF     func()

	// Used by the reading goroutine only.
	startedAt   time.Time
	deadlineSet time.Time // when the current read deadline was set
	received    int64     // bytes

	mu      sync.Mutex // not held during a Read of src, which may block
	stopped bool       // the handler has returned
	err     error      // the first error of reading src, except io.EOF
}

// start wraps the body of the request. limit is in bytes; < 1: no limit. onEOF is called
// when the body has been read.
func (b *requestBody) start(rs *requestState, limit int64, limits bodyLimits, onEOF func()) {
	remaining := limit
	if limit < 1 {
		remaining = -1
	}
	b.src, b.w, b.remaining, b.limit, b.limits, b.onEOF = rs.r.Body, rs.w, remaining, limit, limits, onEOF
	b.startedAt = time.Now()
	switch limits.idle {
	case bodyIdleTimeout:
		b.deadlineSet = rs.start // by Gateway.startRequest
	case 0:
		b.setDeadline(time.Time{})
	}
}

func (b *requestBody) Read(p []byte) (int, error) {
	if err := b.readError(); err != nil {
		return 0, err
	}
	b.extendDeadline()
	n, err := b.src.Read(p)
	b.received += int64(n)
	if b.remaining >= 0 {
		if b.remaining -= int64(n); b.remaining < 0 {
			err = &http.MaxBytesError{Limit: b.limit}
			n = 0
		}
	}
	return n, b.afterRead(err)
}

func (b *requestBody) readError() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return errBodyStopped
	}
	return b.err
}

// afterRead records an error, and clears the read deadline at the end of the body: a
// deadline that expires later would look as if the client had closed the connection.
func (b *requestBody) afterRead(err error) error {
	switch {
	case err == nil:
		return b.checkRate()
	case err == io.EOF:
		if b.limits.idle > 0 {
			b.setDeadline(time.Time{})
		}
		b.runOnEOF()
		return err
	}
	b.setError(err)
	return err
}

// runOnEOF calls onEOF, which reads the request's trailers, unless the handler has
// returned: its request may then be reused for another.
func (b *requestBody) runOnEOF() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.onEOF != nil && !b.stopped {
		b.onEOF()
	}
}

func (b *requestBody) setError(err error) {
	b.mu.Lock()
	b.err = err
	b.mu.Unlock()
}

// checkRate checks the total time and the average rate.
func (b *requestBody) checkRate() error {
	elapsed := time.Since(b.startedAt)
	tooLong := b.limits.total > 0 && elapsed > b.limits.total
	tooSlow := b.limits.minRate > 0 && elapsed > b.limits.rateGrace && float64(b.received) < b.limits.minRate*elapsed.Seconds()
	if tooLong || tooSlow {
		b.setError(errBodyTooSlow)
		return errBodyTooSlow
	}
	return nil
}

// extendDeadline sets the read deadline, at most once in a tenth of the idle limit.
func (b *requestBody) extendDeadline() {
	if b.limits.idle == 0 {
		return
	}
	now := time.Now()
	if now.Sub(b.deadlineSet) < b.limits.idle/10 {
		return
	}
	b.deadlineSet = now
	deadline := now.Add(b.limits.idle)
	if end := b.startedAt.Add(b.limits.total); b.limits.total > 0 && end.Before(deadline) {
		deadline = end
	}
	b.setDeadline(deadline)
}

// setDeadline sets the read deadline, unless the handler has returned: the connection
// then serves another request, and an HTTP/2 stream must not be used any more.
func (b *requestBody) setDeadline(t time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.stopped {
		_ = http.NewResponseController(b.w).SetReadDeadline(t)
	}
}

// Close does nothing: the server discards the rest of the body.
func (b *requestBody) Close() error { return nil }

// stop makes further reads fail. It must be called before the handler returns.
func (b *requestBody) stop() {
	b.mu.Lock()
	b.stopped = true
	b.mu.Unlock()
}

// clientError returns the error of reading the client's body, or nil. It accepts a nil
// receiver.
func (b *requestBody) clientError() *apierror.Error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return bodyError(b.err)
}

// bodyError maps an error of reading a client's body to an error of the gateway.
func bodyError(err error) *apierror.Error {
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooLarge):
		return bodyTooLarge().WithCause(err)
	case errors.Is(err, errBodyTooSlow), errors.Is(err, os.ErrDeadlineExceeded):
		return withConnectionClose(apierror.New(apierror.Timeout, "the request body arrived too slowly").WithCause(err))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return withConnectionClose(apierror.New(apierror.ClientClosed, "the client closed the connection").WithCause(err))
	}
	return withConnectionClose(apierror.New(apierror.BadRequest, "the request body could not be read").WithCause(err))
}

// checkBody refuses a body whose Content-Length is over the route's max_body.
func checkBody(rs *requestState) error {
	if limit := rs.route.MaxBody; limit > 0 && rs.r.ContentLength > limit {
		return bodyTooLarge()
	}
	return nil
}

// attachBody sets the client's body and trailers on out, with the route's limits. It
// returns nil if there is no body.
func (rs *requestState) attachBody(out *http.Request, o *outboundRequest) *requestBody {
	r := rs.r
	if r.ContentLength == 0 {
		return nil // a request without a body may be retried
	}
	var onEOF func()
	if len(r.Trailer) > 0 {
		out.Trailer = make(http.Header, len(r.Trailer))
		for name := range r.Trailer {
			if rs.requestTrailerAllowed(name) {
				out.Trailer[name] = nil
			}
		}
		onEOF = func() { fillTrailers(out.Trailer, r.Trailer) }
	}
	o.body.start(rs, rs.route.MaxBody, routeBodyLimits(r), onEOF)
	out.Body = &o.body
	return &o.body
}
