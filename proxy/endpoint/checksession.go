package endpoint

// check answers POST {auth}/check: whether WeChat still holds the session_key.
func (h *Handler) check(r *Request) error {
	s, err := h.renewingCaller(r)
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
