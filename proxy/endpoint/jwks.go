package endpoint

import "wxgate/internal/httprule"

// serveJWKS answers GET /.well-known/jwks.json.
func (h *Handler) serveJWKS(r *Request) error {
	httprule.WriteJWKS(r, h.Sessions.JWKS())
	return nil
}
