package admin

import (
	"context"
	"errors"
	"net/http"

	"wxgate/secret"
	"wxgate/wechat"
)

// resetAnswer says whether WeChat replaced the key now. False: it had done so
// before, and the key that the gateway holds was invalid already.
type resetAnswer struct {
	Reset bool `json:"reset"`
}

// resetKey answers POST /api/users/{appid}/{openid}/reset-session-key: WeChat makes
// the user's session_key invalid, for one that may have leaked, and the newest
// session keeps the new one. No session ends. WeChat limits how often one user's
// key may be reset.
func (s *Server) resetKey(w http.ResponseWriter, r *http.Request) error {
	appid, openid := userOf(r)
	err := s.Sessions.ReplaceSessionKey(detached(r), appid, openid, func(ctx context.Context, key secret.Text) (secret.Text, error) {
		return s.WeChat.ResetSessionKey(ctx, appid, openid, key)
	})
	s.audit(r, ScopeAdmin, auditEntry{Action: actionResetKey, AppID: appid, OpenID: openid}, err)
	stale := errors.Is(err, wechat.ErrKeyStale)
	if err != nil && !stale {
		return err
	}
	writeJSON(w, http.StatusOK, resetAnswer{!stale})
	return nil
}
