package upstream

import (
	"net/http"

	"wxgate/internal/fieldlist"
)

// Call is a request with its options. It serves one Do.
type Call struct {
	// Request and its URL may be modified by Do. The URL needs only the final path
	// and query; RawPath, if set, is Path's encoding. Request.Header is ignored.
	Request *http.Request

	// Header is sent with the request. The fields that frame a message (Host,
	// Content-Length, Transfer-Encoding, Trailer) are ignored: Do sets its own.
	Header fieldlist.List

	// HashKey is the key of hash_openid: requests with the same key go to the same
	// target while it is available. When a target is removed, only its own keys
	// move. Empty: round robin.
	HashKey string

	// Interim, if not nil, is called with each 1xx response except 101, before Do
	// returns. An error from it ends the request.
	Interim func(status int, header fieldlist.List) error

	// Canceler, if not nil, must be called when Request's context ends. Do then
	// doesn't watch that context itself, which is its most expensive step.
	Canceler *Canceler

	state callState
}

// Reusable reports, once the response's body has been read to its end or closed,
// whether the caller may reuse the Call and the memory that it refers to. If not,
// goroutines that Do has started may still use them.
func (c *Call) Reusable() bool {
	cs := &c.state
	return cs.body == nil && !cs.usedNetHTTP && cs.canceler != nil && (cs.exchange.transport == nil || cs.exchange.reusable())
}
