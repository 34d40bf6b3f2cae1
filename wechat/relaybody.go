package wechat

import (
	"bytes"
	"io"
	"net/http"
	"sync/atomic"
)

// maxReplay is the maximum size of a request body that is kept for a retry, in bytes.
const maxReplay = 256 << 10

// replayableBody is a request body. One of at most maxReplay bytes is in start, and can be
// sent again.
type replayableBody struct {
	start  []byte
	rest   *errorRecorder // what follows start in a longer body; nil: nothing
	length int64          // of the whole body; -1: unknown
}

// readReplayable reads the body, up to maxReplay+1 bytes.
func readReplayable(req *http.Request) (replayableBody, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return replayableBody{}, nil
	}
	rest := &errorRecorder{ReadCloser: req.Body}
	if req.ContentLength > maxReplay {
		return replayableBody{rest: rest, length: req.ContentLength}, nil
	}
	start, err := io.ReadAll(io.LimitReader(rest, maxReplay+1))
	if err != nil {
		return replayableBody{}, &bodyError{err}
	}
	if len(start) > maxReplay {
		return replayableBody{start: start, rest: rest, length: req.ContentLength}, nil
	}
	closeBody(req)
	return replayableBody{start: start, length: int64(len(start))}, nil
}

// reader returns the body to send; a body with a rest can be sent only once.
func (b replayableBody) reader() io.ReadCloser {
	switch {
	case b.rest != nil:
		return struct {
			io.Reader
			io.Closer
		}{b.stream(), b.rest}
	case len(b.start) == 0:
		return http.NoBody
	}
	return io.NopCloser(bytes.NewReader(b.start))
}

// stream reads the whole body. If its length is known, the reader ends there without
// reading from rest again. net/http's transport does read again after the last byte,
// possibly only after the caller has got WeChat's response. By then net/http's server has
// closed the caller's body: the read would fail, and the transport would close the
// connection before the response is complete.
func (b replayableBody) stream() io.Reader {
	all := io.MultiReader(bytes.NewReader(b.start), b.rest)
	if b.length <= 0 { // unknown
		return all
	}
	return io.LimitReader(all, b.length)
}

// errorRecorder records the error of reading a body.
type errorRecorder struct {
	io.ReadCloser
	failed atomic.Pointer[error]
}

func (r *errorRecorder) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		r.failed.Store(&err)
	}
	return n, err
}

func (r *errorRecorder) failure() error {
	if err := r.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// bodyError is an error of reading the request body, which comes from the caller.
type bodyError struct{ cause error }

func (e *bodyError) Error() string { return "wechat: request body: " + e.cause.Error() }
func (e *bodyError) Unwrap() error { return e.cause }

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}
