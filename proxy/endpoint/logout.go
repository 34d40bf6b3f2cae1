package endpoint

import (
	"context"
	"errors"
	"net/http"

	"wxgate/secret"
	"wxgate/session"
	"wxgate/wechat"
)

// logout serves POST {auth}/logout: it ends the session, or with {"all": true} every
// session of the user, and responds with 204. With {"reset_key": true} WeChat first
// invalidates the user's session_key, which may have leaked. A web page's cookie ends
// the page's session only.
func (h *Handler) logout(r *Request) error {
	s, err := h.authenticate(r)
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
	ctx := context.WithoutCancel(r.HTTP.Context()) // completed even if the client disconnects
	if req.ResetKey && s.Web == nil {
		if err := h.resetSessionKey(ctx, s); err != nil {
			return err
		}
	}
	if s.Web != nil {
		r.SetCookie(r.config.Web.Cookie.Clear())
	}
	if req.All && s.Web == nil {
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

// resetSessionKey has WeChat replace the user's session_key. The new one is stored in the
// user's newest session, which may be another than the one that ends. A stale key needs
// no reset.
func (h *Handler) resetSessionKey(ctx context.Context, s *session.Session) error {
	err := h.Sessions.ReplaceSessionKey(ctx, s.AppID, s.OpenID, func(ctx context.Context, key secret.Text) (secret.Text, error) {
		return h.WeChat.ResetSessionKey(ctx, s.AppID, s.OpenID, key)
	})
	if errors.Is(err, session.ErrNotFound) || errors.Is(err, wechat.ErrKeyStale) {
		return nil
	}
	return err
}
