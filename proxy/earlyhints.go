package proxy

import (
	"errors"
	"net/http"
	"sync"

	"wxgate/internal/fieldlist"
)

// maxEarlyHints limits the informational (1xx) responses to one request.
const maxEarlyHints = 32

// earlyHints forwards the backend's informational (1xx) responses, 103 Early Hints in
// practice, until the final response arrives.
type earlyHints struct {
	rc      *requestContext
	mu      sync.Mutex
	stopped bool
	count   int
}

// forward is upstream.Call.Interim.
func (e *earlyHints) forward(status int, header fieldlist.List) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped || status == http.StatusContinue || !e.rc.r.ProtoAtLeast(1, 1) {
		return nil // the server sends 100 itself when the body is read
	}
	if e.count++; e.count > maxEarlyHints {
		return errors.New("too many informational responses")
	}
	h := e.rc.Header()
	copyResponseHeader(h, &header, e.rc.config.headers, nil)
	if e.rc.route.Cookies != CookiesPass {
		delete(h, "Set-Cookie")
	}
	// With a Content-Length net/http sends a copy of the header, without that. Otherwise
	// it may still read the header itself after the client has reset the HTTP/2 stream.
	h["Content-Length"] = nil
	e.rc.WriteHeader(status)
	clear(h)
	return nil
}

func (e *earlyHints) stop() {
	e.mu.Lock()
	e.stopped = true
	e.mu.Unlock()
}
