package admin

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"

	"wxgate/session"
)

// sessionAnswer is one session as operators see it.
type sessionAnswer struct {
	SID       string    `json:"sid"`
	AppID     string    `json:"appid"`
	OpenID    string    `json:"openid"`
	CreatedAt time.Time `json:"created_at"`
	LastSeen  time.Time `json:"last_seen"` // up to a minute behind
	EndsAt    time.Time `json:"ends_at"`   // whatever its use
}

func newSessionAnswer(i session.Info) sessionAnswer {
	return sessionAnswer{
		SID: i.ID, AppID: i.AppID, OpenID: i.OpenID,
		CreatedAt: i.CreatedAt.UTC(), LastSeen: i.LastSeen.UTC(), EndsAt: i.EndsAt.UTC(),
	}
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
	s.audit(r, "end_session", err, zap.String("appid", info.AppID), zap.String("openid", info.OpenID),
		zap.String("sid", info.ID), zap.Bool("was_open", was))
	if err != nil {
		return err
	}
	if !was {
		return session.ErrNotFound
	}
	writeJSON(w, http.StatusOK, ended{1})
	return nil
}
