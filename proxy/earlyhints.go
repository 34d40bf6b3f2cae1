package proxy

import (
	"errors"
	"net/http"
	"sync"

	"wxgate/internal/fieldlist"
)

// maxEarlyHints bounds the 1xx answers to one request.
const maxEarlyHints = 32

// earlyHints passes 1xx answers of the backend on while the final one is
// awaited.
type earlyHints struct {
	rc    *requestContext
	mu    sync.Mutex
	over  bool
	count int
}

func (e *earlyHints) pass(status int, header fieldlist.List) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over || status == http.StatusContinue || !e.rc.r.ProtoAtLeast(1, 1) {
		return nil // the server says 100 by itself, when the body is read
	}
	if e.count++; e.count > maxEarlyHints {
		return errors.New("too many 1xx answers")
	}
	h := e.rc.Header()
	copyResponseHeader(h, &header, e.rc.config.headers, nil)
	if e.rc.route.Cookies != CookiesPass {
		delete(h, "Set-Cookie")
	}
	// With a Content-Length net/http sends a copy without it. Of the header itself it
	// may still read once the client has reset the HTTP/2 stream.
	h["Content-Length"] = nil
	e.rc.WriteHeader(status)
	clear(h)
	return nil
}

func (e *earlyHints) stop() {
	e.mu.Lock()
	e.over = true
	e.mu.Unlock()
}
