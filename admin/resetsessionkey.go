package admin

import (
	"context"
	"errors"
	"net/http"

	"wxgate/secret"
	"wxgate/wechat"
)

// resetKeyResponse reports whether WeChat has replaced the key. false: the gateway's
// key was already invalid, since WeChat had replaced it before.
type resetKeyResponse struct {
	Reset bool `json:"reset"`
}

// resetSessionKey handles POST /api/users/{appid}/{openid}/reset-session-key, for a
// session_key that may have leaked: WeChat invalidates it, and the newest session
// stores the new one. No session ends. WeChat limits how often a user's key may be
// reset.
func (s *Server) resetSessionKey(w http.ResponseWriter, r *http.Request) error {
	appid, openid := userFromPath(r)
	err := s.Sessions.ReplaceSessionKey(withoutCancel(r), appid, openid, func(ctx context.Context, key secret.Text) (secret.Text, error) {
		return s.WeChat.ResetSessionKey(ctx, appid, openid, key)
	})
	s.audit(r, ScopeAdmin, auditEntry{Action: actionResetKey, AppID: appid, OpenID: openid}, err)
	stale := errors.Is(err, wechat.ErrKeyStale)
	if err != nil && !stale {
		return err
	}
	writeJSON(w, http.StatusOK, resetKeyResponse{!stale})
	return nil
}
