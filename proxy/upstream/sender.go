package upstream

import (
	"errors"
	"io"
	"net/http/httputil"
	"strings"
	"sync"
	"time"
)

// continueWait is how long a request with Expect: 100-continue waits for leave
// to send its body. Backends that don't know of it say nothing.
const continueWait = time.Second

// sender sends a request's body beside the wait for its answer, which may come
// before the body is through.
type sender struct {
	x        *passage
	chunked  bool
	leave    chan struct{} // closed: the body may go
	once     sync.Once     // for closing it
	finished chan struct{}

	mu    sync.Mutex
	sent  bool // all of it
	heard bool // the answer's headers have come
}

func startSender(x *passage, chunked bool) *sender {
	s := &sender{x: x, chunked: chunked, leave: make(chan struct{}), finished: make(chan struct{})}
	if !strings.EqualFold(x.req.Header.Get("Expect"), "100-continue") {
		s.proceed()
	}
	go s.run()
	return s
}

func (s *sender) run() {
	defer close(s.finished)
	defer s.x.req.Body.Close()
	if !s.mayGo() {
		return
	}
	err := s.send()
	var source sourceError
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = err == nil
	switch {
	case s.heard:
	case errors.As(err, &source):
		s.x.c.abort() // half a body must not pass for a whole one
	default:
		// A target that takes no more may still have said why.
		s.x.waitUntil(time.Now().Add(s.x.h.timeout))
	}
}

// mayGo waits for leave where it was asked for. An answer without it means
// that the body isn't wanted.
func (s *sender) mayGo() bool {
	select {
	case <-s.leave:
	default:
		if s.x.c.w.Flush() != nil {
			return false
		}
		timer := time.NewTimer(continueWait)
		defer timer.Stop()
		select {
		case <-s.leave:
		case <-timer.C:
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.heard
}

// sourceError is of reading the client's body, not of sending it.
type sourceError struct{ error }

// send writes body and trailers; what comes piece by piece goes on piece by
// piece.
func (s *sender) send() error {
	buf := bulk.Get().(*[bulkBuffer]byte)
	defer bulk.Put(buf)
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
func (s *sender) finish(dst io.Writer) error {
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

// proceed gives leave to send the body.
func (s *sender) proceed() {
	if s != nil {
		s.once.Do(func() { close(s.leave) })
	}
}

// answered is called when the answer's headers have come: there is no more
// waiting for them, and a body held back isn't wanted.
func (s *sender) answered() {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.heard = true
	s.mu.Unlock()
	s.proceed()
}

// senderGrace is how long a sender may take to notice that it is done.
const senderGrace = 20 * time.Millisecond

// done reports whether all of the body was sent, so that the connection may be
// used again.
func (s *sender) done() bool {
	if s == nil {
		return true
	}
	select {
	case <-s.finished:
	case <-time.After(senderGrace):
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}
