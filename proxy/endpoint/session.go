package endpoint

import (
	"context"
	"errors"
	"net/http"

	"wxgate/secret"
	"wxgate/session"
	"wxgate/wechat"
)

// refresh answers POST {auth}/refresh: a fresh token for the same session. The
// old one stays good until its own end, so that two refreshes at once do no harm.
func (h *Handler) refresh(r *Request) error {
	if _, err := h.caller(r); err != nil {
		return err
	}
	token, err := h.Sessions.Renew(r.HTTP.Context(), r.Auth)
	if err != nil {
		return err
	}
	return writeJSON(r, newTokenResponse(token))
}

// logout answers POST {auth}/logout: 204 once the session, or with
// {"all": true} every session of the user, has ended everywhere. With
// {"reset_key": true} WeChat makes the user's session_key invalid first, for one
// that may have leaked. A page's cookie ends the page's session.
func (h *Handler) logout(r *Request) error {
	s, err := h.caller(r)
	if err != nil {
		return err
	}
	var req struct {
		All      bool `json:"all"`
		ResetKey bool `json:"reset_key"`
	}
	if err := readOptionalJSON(r, &req); err != nil {
		return err
	}
	ctx := context.WithoutCancel(r.HTTP.Context()) // half a logout helps nobody
	if req.ResetKey && s.Web == nil {
		if err := h.resetSessionKey(ctx, s); err != nil {
			return err
		}
	}
	if s.Web != nil {
		r.SetCookie(r.config.Web.Cookie.Clear())
	}
	if req.All && s.Web == nil { // a page ends itself only
		_, err = h.Sessions.EndAll(ctx, s.AppID, s.OpenID, session.CauseLogoutAll)
	} else {
		_, err = h.Sessions.End(ctx, s.ID, session.CauseLogout)
	}
	if err != nil {
		return err
	}
	r.Header().Set("Cache-Control", "no-store")
	r.WriteHeader(http.StatusNoContent)
	return nil
}

// resetSessionKey has WeChat replace the user's session_key. The user's newest
// session, which may be another than the one that ends, keeps the new one. A key
// that is stale already needs no reset.
func (h *Handler) resetSessionKey(ctx context.Context, s *session.Session) error {
	err := h.Sessions.ReplaceSessionKey(ctx, s.AppID, s.OpenID, func(ctx context.Context, key secret.Text) (secret.Text, error) {
		return h.WeChat.ResetSessionKey(ctx, s.AppID, s.OpenID, key)
	})
	if errors.Is(err, session.ErrNotFound) || errors.Is(err, wechat.ErrKeyStale) {
		return nil
	}
	return err
}

// sessionResponse is the answer of GET {auth}/session; times in seconds.
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

// getSession answers GET {auth}/session.
func (h *Handler) getSession(r *Request) error {
	s, user, err := h.callerProfile(r)
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
