package httprule

import (
	"net/http"
	"strconv"
)

// WriteJWKS answers with the public keys of the identity assertion. Verifiers may
// keep them for five minutes; a rotated one stays published as long as its secret
// is configured.
func WriteJWKS(w http.ResponseWriter, keys []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/jwk-set+json")
	h.Set("Content-Length", strconv.Itoa(len(keys)))
	h.Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(keys)
}
