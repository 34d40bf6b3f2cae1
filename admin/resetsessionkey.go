package admin

import (
	"context"
	"errors"
	"net/http"

	"wxgate/secret"
	"wxgate/wechat"
)

// resetKeyResponse says whether WeChat replaced the key. False: it had done so before,
// and the key that the gateway has was invalid already.
type resetKeyResponse struct {
	Reset bool `json:"reset"`
}

// resetSessionKey handles POST /api/users/{appid}/{openid}/reset-session-key, for a
// session_key that may have leaked: WeChat invalidates it, and the newest session
// stores the new one. No session ends. WeChat limits how often a user's key may be
// reset.
func (s *Server) resetSessionKey(w http.ResponseWriter, r *http.Request) error {
	appid, openid := userFromPath(r)
	err := s.Sessions.ReplaceSessionKey(detached(r), appid, openid, func(ctx context.Context, key secret.Text) (secret.Text, error) {
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
