package admin

import (
	"net/http"
	"time"

	"wxgate/session"
)

// userAnswer is a user as operators see it. It holds no secret.
type userAnswer struct {
	AppID      string          `json:"appid"`
	OpenID     string          `json:"openid"`
	UnionID    string          `json:"unionid,omitempty"`
	UserID     string          `json:"user_id,omitempty"`
	Roles      []string        `json:"roles,omitempty"`
	Profile    profileAnswer   `json:"profile"`
	Phone      string          `json:"phone,omitempty"`
	FirstLogin time.Time       `json:"first_login,omitzero"` // none: banned before ever coming
	LastLogin  time.Time       `json:"last_login,omitzero"`
	Ban        *banAnswer      `json:"ban,omitempty"`
	Sessions   []sessionAnswer `json:"sessions"`
}

type profileAnswer struct {
	Nickname  string `json:"nickname"`
	AvatarURL string `json:"avatar_url"`
}

// showUser answers GET /api/users/{appid}/{openid}.
func (s *Server) showUser(w http.ResponseWriter, r *http.Request) error {
	appid, openid := userOf(r)
	u, err := s.Sessions.User(r.Context(), appid, openid)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, newUserAnswer(u))
	return nil
}

func newUserAnswer(u session.User) userAnswer {
	answer := userAnswer{
		AppID: u.AppID, OpenID: u.OpenID, UnionID: u.UnionID, UserID: u.UserID, Roles: u.Roles,
		Profile: profileAnswer(u.Profile), Phone: u.Phone.Number,
		FirstLogin: u.FirstLogin.UTC(), LastLogin: u.LastLogin.UTC(), Sessions: []sessionAnswer{},
	}
	if u.Ban != nil {
		answer.Ban = &banAnswer{u.Ban.Reason, u.Ban.Until.UTC()}
	}
	for _, info := range u.Sessions {
		answer.Sessions = append(answer.Sessions, newSessionAnswer(info))
	}
	return answer
}

// ended is how many sessions a call ended.
type ended struct {
	Ended int `json:"ended"`
}

// endAll answers DELETE /api/users/{appid}/{openid}/sessions.
func (s *Server) endAll(w http.ResponseWriter, r *http.Request) error {
	appid, openid := userOf(r)
	n, err := s.Sessions.EndAll(detached(r), appid, openid, session.CauseAdmin)
	s.audit(r, ScopeAdmin, auditEntry{Action: actionEndAll, AppID: appid, OpenID: openid, Ended: n}, err)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, ended{n})
	return nil
}
