package proxy

import (
	"net/http"
)

// applyRequestRules applies request_headers of the route. Package config rejects rules
// for the headers that only the gateway sets.
func (rt *Route) applyRequestRules(h *outboundHeader) {
	for _, name := range rt.RequestRemove {
		h.Delete(name)
	}
	for name, value := range rt.RequestSet {
		h.Set(name, value)
	}
}

// withResponseRules returns a function that applies response_headers of the route, and
// then next: the gateway's own headers replace the route's.
func (rt *Route) withResponseRules(next func(http.Header)) func(http.Header) {
	if len(rt.ResponseSet) == 0 && len(rt.ResponseRemove) == 0 {
		return next
	}
	return func(h http.Header) {
		for _, name := range rt.ResponseRemove {
			delete(h, name)
		}
		for name, value := range rt.ResponseSet {
			h[name] = []string{value}
		}
		if next != nil {
			next(h)
		}
	}
}
