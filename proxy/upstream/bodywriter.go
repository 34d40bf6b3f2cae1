package upstream

import (
	"errors"
	"io"
	"net/http/httputil"
	"strings"
	"sync"
	"time"
)

// continueWait is how long a request with Expect: 100-continue waits for a
// 100 Continue. Backends that don't know of it send nothing.
const continueWait = time.Second

// bodyWriter sends a request's body while its response is awaited, which may come
// before the whole body is sent.
type bodyWriter struct {
	x        *exchange
	chunked  bool
	allowed  chan struct{} // closed: the body may be sent
	once     sync.Once     // for closing it
	finished chan struct{}

	mu              sync.Mutex
	sent            bool // all of it
	responseStarted bool // the response's headers have come
}

const copyBufferSize = 32 << 10

var copyBuffers = sync.Pool{New: func() any { return new([copyBufferSize]byte) }}

func startBodyWriter(x *exchange, chunked bool) *bodyWriter {
	s := &bodyWriter{x: x, chunked: chunked, allowed: make(chan struct{}), finished: make(chan struct{})}
	if !strings.EqualFold(x.req.Header.Get("Expect"), "100-continue") {
		s.allowBody()
	}
	go s.run()
	return s
}

func (s *bodyWriter) run() {
	defer close(s.finished)
	defer s.x.req.Body.Close()
	if !s.waitAllowed() {
		return
	}
	err := s.send()
	var source sourceError
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = err == nil
	switch {
	case s.responseStarted:
	case errors.As(err, &source):
		s.x.c.abort() // half a body must not pass for a whole one
	default:
		// A target that takes no more may still have sent a response.
		s.x.setReadDeadline(time.Now().Add(s.x.h.timeout))
	}
}

// waitAllowed waits for a 100 Continue where the request expects one. A final
// response in its place means that the body isn't wanted.
func (s *bodyWriter) waitAllowed() bool {
	select {
	case <-s.allowed:
	default:
		if s.x.c.w.Flush() != nil {
			return false
		}
		timer := time.NewTimer(continueWait)
		defer timer.Stop()
		select {
		case <-s.allowed:
		case <-timer.C:
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.responseStarted
}

// sourceError is of reading the client's body, not of sending it.
type sourceError struct{ error }

// send writes body and trailers; what comes piece by piece goes on piece by
// piece.
func (s *bodyWriter) send() error {
	buf := copyBuffers.Get().(*[copyBufferSize]byte)
	defer copyBuffers.Put(buf)
	req, w := s.x.req, s.x.c.w
	var dst io.Writer = w
	if s.chunked {
		dst = httputil.NewChunkedWriter(w)
	}
	for left := req.ContentLength; ; {
		n, err := req.Body.Read(buf[:])
		if left -= int64(n); !s.chunked && (left < 0 || err == io.EOF && left > 0) {
			return sourceError{errLength}
		}
		if _, werr := dst.Write(buf[:n]); n > 0 && werr != nil {
			return werr
		}
		if err == io.EOF {
			return s.finish(dst)
		}
		if err != nil {
			return sourceError{err}
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
}

// finish ends a chunked body, with its trailers.
func (s *bodyWriter) finish(dst io.Writer) error {
	w := s.x.c.w
	if chunks, ok := dst.(io.Closer); ok && s.chunked {
		if err := chunks.Close(); err != nil {
			return err
		}
		if err := writeTrailers(w, s.x.req.Trailer); err != nil {
			return sourceError{err}
		}
	}
	return w.Flush()
}

// allowBody lets the body be sent.
func (s *bodyWriter) allowBody() {
	if s != nil {
		s.once.Do(func() { close(s.allowed) })
	}
}

// responseCame is called when the response's headers have come: they are not
// waited for any more, and a body held back isn't wanted.
func (s *bodyWriter) responseCame() {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.responseStarted = true
	s.mu.Unlock()
	s.allowBody()
}

// bodyWriterGrace is how long a bodyWriter may take to notice that it is done.
const bodyWriterGrace = 20 * time.Millisecond

// done reports whether all of the body was sent, so that the connection may be
// used again.
func (s *bodyWriter) done() bool {
	if s == nil {
		return true
	}
	select {
	case <-s.finished:
	case <-time.After(bodyWriterGrace):
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}
