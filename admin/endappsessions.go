package admin

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"wxgate/apierror"
	"wxgate/internal/httprule"
)

// endAppSessions handles DELETE /api/apps/{appid}/sessions: it ends all sessions of an
// app, which may be one that is no longer configured.
func (s *Server) endAppSessions(w http.ResponseWriter, r *http.Request) error {
	appid := chi.URLParam(r, "appid")
	if !httprule.ValidAppID(appid) {
		return apierror.New(apierror.BadRequest, "this is not an appid")
	}
	err := s.Sessions.EndApp(withoutCancel(r), appid)
	s.audit(r, ScopeAdmin, auditEntry{Action: actionEndApp, AppID: appid}, err)
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
