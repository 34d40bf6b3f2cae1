package endpoint

import "wxgate/internal/httprule"

// showKeys answers GET /.well-known/jwks.json.
func (h *Handler) showKeys(r *Request) error {
	httprule.WriteJWKS(r, h.Sessions.JWKS())
	return nil
}
