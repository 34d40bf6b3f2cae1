package admin

import (
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"wxgate/apierror"
	"wxgate/session"
)

// sessionAnswer is one session as operators see it.
type sessionAnswer struct {
	SID       string    `json:"sid"`
	AppID     string    `json:"appid"`
	OpenID    string    `json:"openid"`
	Kind      string    `json:"kind"`             // bearer: a mini program's; web: a web page's
	Parent    string    `json:"parent,omitempty"` // of a web page's: the session that it was opened from and ends with
	CreatedAt time.Time `json:"created_at"`
	LastSeen  time.Time `json:"last_seen"` // up to a minute behind
	EndsAt    time.Time `json:"ends_at"`   // whatever its use
}

func newSessionAnswer(i session.Info) sessionAnswer {
	return sessionAnswer{
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

// session gives the session that a call is about. One of an app that the token may
// not be used for is as good as none.
func (s *Server) session(r *http.Request) (session.Info, error) {
	info, err := s.Sessions.Info(r.Context(), chi.URLParam(r, "sid"))
	if err == nil && !tokenOf(r).mayUse(info.AppID) {
		s.logAuthFailure(r, "app", tokenOf(r).Name)
		return session.Info{}, session.ErrNotFound
	}
	return info, err
}

// showSession answers GET /api/sessions/{sid}.
func (s *Server) showSession(w http.ResponseWriter, r *http.Request) error {
	info, err := s.session(r)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, newSessionAnswer(info))
	return nil
}

// endSession answers DELETE /api/sessions/{sid}.
func (s *Server) endSession(w http.ResponseWriter, r *http.Request) error {
	info, err := s.session(r) // the audit tells whose it was
	if err != nil {
		return err
	}
	was, err := s.Sessions.End(detached(r), info.ID, session.CauseAdmin)
	s.audit(r, ScopeAdmin, auditEntry{Action: actionEndSession, AppID: info.AppID, OpenID: info.OpenID, SID: info.ID, WasOpen: was}, err)
	if err != nil {
		return err
	}
	if !was {
		return session.ErrNotFound
	}
	writeJSON(w, http.StatusOK, ended{1})
	return nil
}

// endApp answers DELETE /api/apps/{appid}/sessions: all sessions of the app end, also
// of one that is no longer configured.
func (s *Server) endApp(w http.ResponseWriter, r *http.Request) error {
	appid := chi.URLParam(r, "appid")
	if !isAppID(appid) {
		return apierror.New(apierror.BadRequest, "this is no appid")
	}
	err := s.Sessions.EndApp(detached(r), appid)
	s.audit(r, ScopeAdmin, auditEntry{Action: actionEndApp, AppID: appid}, err)
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func isAppID(text string) bool {
	return text != "" && len(text) <= maxAppID && !strings.ContainsFunc(text, func(c rune) bool {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		return !letter && c != '_' && c != '-'
	})
}

// maxAppID is in bytes; WeChat's have 18.
const maxAppID = 64
