package httprule

import (
	"net/http"
	"strconv"
)

// JWKSPath is the path of the identity assertion's public keys, on both
// listeners (RFC 7517).
const JWKSPath = "/.well-known/jwks.json"

// WriteJWKS writes the public keys of the identity assertion, a JSON Web Key Set,
// as the response. Verifiers may cache them for five minutes. A key stays
// published as long as the secret that it is derived from is configured.
func WriteJWKS(w http.ResponseWriter, keys []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/jwk-set+json")
	h.Set("Content-Length", strconv.Itoa(len(keys)))
	h.Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(keys)
}
