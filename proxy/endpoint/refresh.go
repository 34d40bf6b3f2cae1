package endpoint

// refresh serves POST {auth}/refresh: a fresh token for the same session. The old one
// stays valid until it expires, so concurrent refreshes are harmless.
func (h *Handler) refresh(r *Request) error {
	if _, err := h.authenticate(r); err != nil {
		return err
	}
	token, err := h.Sessions.Renew(r.HTTP.Context(), r.Auth)
	if err != nil {
		return err
	}
	return writeJSON(r, newTokenResponse(token))
}
