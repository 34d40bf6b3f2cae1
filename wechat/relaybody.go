package wechat

import (
	"bytes"
	"io"
	"net/http"
	"sync/atomic"
)

// maxReplay is how many bytes of a request body are kept to be sent again.
const maxReplay = 256 << 10

// replayable is a request body: its start, and what follows where it is too long
// to be kept.
type replayable struct {
	start  []byte
	rest   *errorRecorder // nil: start is all of it
	length int64          // of the whole; -1: unknown
}

// readReplayable reads a body as far as it would be kept.
func readReplayable(req *http.Request) (replayable, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return replayable{}, nil
	}
	rest := &errorRecorder{ReadCloser: req.Body}
	if req.ContentLength > maxReplay {
		return replayable{rest: rest, length: req.ContentLength}, nil
	}
	start, err := io.ReadAll(io.LimitReader(rest, maxReplay+1))
	if err != nil {
		return replayable{}, &bodyError{err}
	}
	if len(start) > maxReplay {
		return replayable{start: start, rest: rest, length: req.ContentLength}, nil
	}
	closeBody(req)
	return replayable{start: start, length: int64(len(start))}, nil
}

// reader gives the body to be sent; a body with a rest can be sent only once.
func (b replayable) reader() io.ReadCloser {
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

// stream ends at the length that is known without another read. net/http's transport
// reads once more than it sends, when WeChat may have answered already; as soon as that
// answer reaches the caller, net/http's server has closed the caller's body, the read
// fails, and the transport closes the connection amid the answer.
func (b replayable) stream() io.Reader {
	all := io.MultiReader(bytes.NewReader(b.start), b.rest)
	if b.length <= 0 { // unknown
		return all
	}
	return io.LimitReader(all, b.length)
}

// errorRecorder remembers why reading it failed.
type errorRecorder struct {
	io.ReadCloser
	failed atomic.Pointer[error]
}

func (w *errorRecorder) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		w.failed.Store(&err)
	}
	return n, err
}

func (w *errorRecorder) failure() error {
	if err := w.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// bodyError is the request body's own error: the caller's doing.
type bodyError struct{ cause error }

func (e *bodyError) Error() string { return "wechat: request body: " + e.cause.Error() }
func (e *bodyError) Unwrap() error { return e.cause }

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}
