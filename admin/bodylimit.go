package admin

import (
	"net/http"
)

// The limits of request bodies, in bytes.
const (
	maxBody        = 1 << 20   // of JSON calls
	maxRelayedBody = 100 << 20 // of relayed calls; WeChat's own limits are far below
)

// limitBody limits the body of every request.
func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := int64(maxBody)
		if isRelay(r) {
			limit = maxRelayedBody
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}
