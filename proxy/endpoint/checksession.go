package endpoint

// checkSession serves POST {auth}/check: WeChat's checksession says whether the
// session_key is still valid.
func (h *Handler) checkSession(r *Request) error {
	s, err := h.authenticateAndRenew(r)
	if err != nil {
		return err
	}
	key, err := h.Sessions.SessionKey(r.HTTP.Context(), s)
	if err != nil {
		return err
	}
	valid, err := h.WeChat.CheckSession(r.HTTP.Context(), s.AppID, s.OpenID, key)
	if err != nil {
		return err
	}
	return writeJSON(r, map[string]bool{"valid": valid})
}
