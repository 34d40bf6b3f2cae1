package admin

import (
	"net/http"
)

// maxBody bounds the body of JSON calls, in bytes.
const maxBody = 1 << 20

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
