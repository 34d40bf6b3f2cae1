package admin

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"wxgate/session"
)

// sessionResponse is one session, as operators see it.
type sessionResponse struct {
	SID       string    `json:"sid"`
	AppID     string    `json:"appid"`
	OpenID    string    `json:"openid"`
	Kind      string    `json:"kind"`             // bearer: of a mini program; web: of a web page
	Parent    string    `json:"parent,omitempty"` // of a web session: the session that it was opened from and ends with
	CreatedAt time.Time `json:"created_at"`
	LastSeen  time.Time `json:"last_seen"` // up to a minute too early
	EndsAt    time.Time `json:"ends_at"`   // even if it is used
}

func newSessionResponse(i session.Info) sessionResponse {
	return sessionResponse{
		SID: i.ID, AppID: i.AppID, OpenID: i.OpenID, Kind: sessionKind(i), Parent: i.ParentID,
		CreatedAt: i.CreatedAt.UTC(), LastSeen: i.LastSeen.UTC(), EndsAt: i.EndsAt.UTC(),
	}
}

func sessionKind(i session.Info) string {
	if i.ParentID != "" {
		return "web"
	}
	return "bearer"
}

// sessionFromPath returns the session that the path names. A session of an app that
// the token may not be used for is not found.
func (s *Server) sessionFromPath(r *http.Request) (session.Info, error) {
	info, err := s.Sessions.Info(r.Context(), chi.URLParam(r, "sid"))
	if err == nil && !tokenFrom(r).allowsApp(info.AppID) {
		s.logAuthFailure(r, "app", tokenFrom(r).Name)
		return session.Info{}, session.ErrNotFound
	}
	return info, err
}

// showSession handles GET /api/sessions/{sid}.
func (s *Server) showSession(w http.ResponseWriter, r *http.Request) error {
	info, err := s.sessionFromPath(r)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, newSessionResponse(info))
	return nil
}

// endSession handles DELETE /api/sessions/{sid}.
func (s *Server) endSession(w http.ResponseWriter, r *http.Request) error {
	info, err := s.sessionFromPath(r) // the audit entry names its user
	if err != nil {
		return err
	}
	wasOpen, err := s.Sessions.End(withoutCancel(r), info.ID, session.CauseAdmin)
	s.audit(r, ScopeAdmin, auditEntry{Action: actionEndSession, AppID: info.AppID, OpenID: info.OpenID, SID: info.ID, WasOpen: wasOpen}, err)
	if err != nil {
		return err
	}
	if !wasOpen {
		return session.ErrNotFound
	}
	writeJSON(w, http.StatusOK, endedResponse{1})
	return nil
}
