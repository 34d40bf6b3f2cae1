package admin

import (
	"net/http"

	"wxgate/session"
)

// endedResponse is the number of sessions that a call ended.
type endedResponse struct {
	Ended int `json:"ended"`
}

// endUserSessions handles DELETE /api/users/{appid}/{openid}/sessions.
func (s *Server) endUserSessions(w http.ResponseWriter, r *http.Request) error {
	appid, openid := userFromPath(r)
	n, err := s.Sessions.EndAll(withoutCancel(r), appid, openid, session.CauseAdmin)
	s.audit(r, ScopeAdmin, auditEntry{Action: actionEndAll, AppID: appid, OpenID: openid, Ended: n}, err)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, endedResponse{n})
	return nil
}
