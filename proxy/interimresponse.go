package proxy

import (
	"errors"
	"net/http"
	"sync"

	"wxgate/internal/fieldlist"
)

// maxInterimResponses limits the interim (1xx) responses to one request.
const maxInterimResponses = 32

// interimResponses forwards the backend's interim (1xx) responses, in practice 103 Early
// Hints, until the final response arrives.
type interimResponses struct {
	rs      *requestState
	mu      sync.Mutex
	stopped bool
	count   int
}

// forward is upstream.Call.Interim.
func (i *interimResponses) forward(status int, header fieldlist.List) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.stopped || status == http.StatusContinue || !i.rs.r.ProtoAtLeast(1, 1) {
		return nil // the server sends 100 itself when the body is read
	}
	if i.count++; i.count > maxInterimResponses {
		return errors.New("too many interim responses")
	}
	h := i.rs.Header()
	copyResponseHeader(h, &header, i.rs.config.headers, nil)
	if i.rs.route.Cookies != CookiesPass {
		delete(h, "Set-Cookie")
	}
	// If there is a Content-Length, net/http sends a copy of the header, without that field.
	// Otherwise it could still read the header after the client has reset the HTTP/2 stream.
	h["Content-Length"] = nil
	i.rs.WriteHeader(status)
	clear(h)
	return nil
}

func (i *interimResponses) stop() {
	i.mu.Lock()
	i.stopped = true
	i.mu.Unlock()
}
