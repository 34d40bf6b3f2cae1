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

// bodyStall is how long a client may be silent in the middle of a body.
const bodyStall = 30 * time.Second

// bodyLimits bound a client's body in time. A slow upload passes, a body that
// never comes does not.
type bodyLimits struct {
	stall time.Duration // silence; 0: any
	total time.Duration // the whole body; 0: any

	// rate is the least average, in bytes a second, that the body must reach
	// once it has taken grace; 0: none.
	rate  float64
	grace time.Duration
}

// leastRate is the least average of a body, in bytes a second.
const leastRate = 100

// endpointBodyLimits hold for the gateway's own endpoints, whatever the body
// says of its type and length.
func endpointBodyLimits() bodyLimits {
	return bodyLimits{stall: 10 * time.Second, total: 30 * time.Second, rate: leastRate, grace: 10 * time.Second}
}

// routeBodyLimits hold for bodies that are forwarded. In HTTP/2, where a body
// holds no connection, a stream of unknown length may honestly pause, and that
// of a gRPC call be silent for as long as it likes.
func routeBodyLimits(r *http.Request) bodyLimits {
	limits := bodyLimits{stall: bodyStall, rate: leastRate, grace: bodyStall}
	if r.ProtoMajor < 2 || r.ContentLength > 0 {
		return limits
	}
	limits.rate = 0
	if isGRPC(r.Header.Get("Content-Type")) {
		limits.stall = 0
	}
	return limits
}

var (
	errBodyTooSlow = errors.New("the body comes too slowly")
	errBodyClosed  = errors.New("the body was read after its request ended")
)

// requestBody is a client's body on its way to a backend: bounded in size and
// in time, and safe to be read by a transport that outlives the handler.
type requestBody struct {
	src    io.ReadCloser
	w      http.ResponseWriter
	left   int64 // bytes that may still come; < 0: any number
	limit  int64
	limits bodyLimits
	onEOF  func()

	// Only the reading goroutine touches these.
	start       time.Time
	deadlineSet time.Time // when the current read deadline was set
	got         int64

	mu     sync.Mutex // held for moments only: a Read may block for long
	closed bool
	err    error // the first error of the client's side, io.EOF left out
}

// begin wraps the request's body. most < 1: no limit.
func (b *requestBody) begin(rc *requestContext, most int64, limits bodyLimits, onEOF func()) {
	left := most
	if most < 1 {
		left = -1
	}
	b.src, b.w, b.left, b.limit, b.limits, b.onEOF = rc.r.Body, rc.w, left, most, limits, onEOF
	b.start = time.Now()
	switch limits.stall {
	case bodyStall:
		b.deadlineSet = rc.start // by begin
	case 0:
		b.setDeadline(time.Time{})
	}
}

func (b *requestBody) Read(p []byte) (int, error) {
	if err := b.state(); err != nil {
		return 0, err
	}
	b.extendDeadline()
	n, err := b.src.Read(p)
	b.got += int64(n)
	if b.left >= 0 {
		if b.left -= int64(n); b.left < 0 {
			err = &http.MaxBytesError{Limit: b.limit}
			n = 0
		}
	}
	return n, b.record(err)
}

func (b *requestBody) state() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return errBodyClosed
	}
	return b.err
}

// record keeps the client's error and lifts the deadline at the end: one that
// fires later would look as if the client had gone away.
func (b *requestBody) record(err error) error {
	switch {
	case err == nil:
		return b.checkRate()
	case err == io.EOF:
		if b.limits.stall > 0 {
			b.setDeadline(time.Time{})
		}
		b.ended()
		return err
	}
	b.setError(err)
	return err
}

// ended calls onEOF, which reads the request's trailers. Once the handler is done the
// request is another one.
func (b *requestBody) ended() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.onEOF != nil && !b.closed {
		b.onEOF()
	}
}

func (b *requestBody) setError(err error) {
	b.mu.Lock()
	b.err = err
	b.mu.Unlock()
}

func (b *requestBody) checkRate() error {
	passed := time.Since(b.start)
	tooLong := b.limits.total > 0 && passed > b.limits.total
	tooSlow := b.limits.rate > 0 && passed > b.limits.grace && float64(b.got) < b.limits.rate*passed.Seconds()
	if tooLong || tooSlow {
		b.setError(errBodyTooSlow)
		return errBodyTooSlow
	}
	return nil
}

func (b *requestBody) extendDeadline() {
	if b.limits.stall == 0 {
		return
	}
	now := time.Now()
	if now.Sub(b.deadlineSet) < b.limits.stall/10 {
		return
	}
	b.deadlineSet = now
	at := now.Add(b.limits.stall)
	if end := b.start.Add(b.limits.total); b.limits.total > 0 && end.Before(at) {
		at = end
	}
	b.setDeadline(at)
}

// setDeadline leaves the client's connection alone once the handler is done:
// it is another request's then, and a stream of HTTP/2 is gone.
func (b *requestBody) setDeadline(t time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		_ = http.NewResponseController(b.w).SetReadDeadline(t)
	}
}

// Close ends reading for good; the server drains the rest by itself.
func (b *requestBody) Close() error { return nil }

// detach is called when the handler is done: a transport must not read on.
func (b *requestBody) detach() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
}

// clientError is what the client did wrong while its body was read, or nil.
func (b *requestBody) clientError() *apierror.Error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return bodyError(b.err)
}

// bodyError maps an error of reading a client's body.
func bodyError(err error) *apierror.Error {
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooLarge):
		return bodyTooLarge().WithCause(err)
	case errors.Is(err, errBodyTooSlow), errors.Is(err, os.ErrDeadlineExceeded):
		return closing(apierror.New(apierror.Timeout, "the request body came too slowly").WithCause(err))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return closing(apierror.New(apierror.ClientClosed, "the client went away").WithCause(err))
	}
	return closing(apierror.New(apierror.BadRequest, "the request body can't be read").WithCause(err))
}

// checkBody refuses a body that says beforehand that it is too large.
func checkBody(rc *requestContext) error {
	if most := rc.route.MaxBody; most > 0 && rc.r.ContentLength > most {
		return bodyTooLarge()
	}
	return nil
}
