package endpoint

import "wxgate/internal/httprule"

// serveJWKS serves GET /.well-known/jwks.json: the keys that verify the identity
// assertion.
func (h *Handler) serveJWKS(r *Request) error {
	httprule.WriteJWKS(r, h.Sessions.JWKS())
	return nil
}
