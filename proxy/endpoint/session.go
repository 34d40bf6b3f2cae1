package endpoint

// sessionResponse is the response of GET {auth}/session. Times are in seconds.
type sessionResponse struct {
	AppID            string       `json:"appid"`
	ExpiresIn        int64        `json:"expires_in"`
	SessionExpiresIn int64        `json:"session_expires_in"`
	User             userResponse `json:"user"`
}

type userResponse struct {
	UserID    string `json:"user_id,omitempty"`
	Nickname  string `json:"nickname,omitempty"`
	AvatarURL string `json:"avatar_url,omitempty"`
	Phone     string `json:"phone,omitempty"`
}

// getSession serves GET {auth}/session.
func (h *Handler) getSession(r *Request) error {
	s, user, err := h.authenticateWithUser(r)
	if err != nil {
		return err
	}
	now := h.Now()
	return writeJSON(r, sessionResponse{
		AppID:            s.AppID,
		ExpiresIn:        seconds(r.Auth.ExpiresAt.Sub(now)),
		SessionExpiresIn: seconds(h.Sessions.Remaining(s)),
		User:             userResponse{s.UserID, user.Profile.Nickname, user.Profile.AvatarURL, user.Phone.Number},
	})
}
