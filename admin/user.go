package admin

import (
	"net/http"
	"time"

	"wxgate/session"
)

// userResponse is a user, as operators see it. It contains no secret.
type userResponse struct {
	AppID      string            `json:"appid"`
	OpenID     string            `json:"openid"`
	UnionID    string            `json:"unionid,omitempty"`
	UserID     string            `json:"user_id,omitempty"`
	Roles      []string          `json:"roles,omitempty"`
	Profile    profileResponse   `json:"profile"`
	Phone      string            `json:"phone,omitempty"`
	FirstLogin time.Time         `json:"first_login,omitzero"` // none: banned before the first login
	LastLogin  time.Time         `json:"last_login,omitzero"`
	Ban        *banResponse      `json:"ban,omitempty"`
	Sessions   []sessionResponse `json:"sessions"`
}

type profileResponse struct {
	Nickname  string `json:"nickname"`
	AvatarURL string `json:"avatar_url"`
}

// showUser handles GET /api/users/{appid}/{openid}.
func (s *Server) showUser(w http.ResponseWriter, r *http.Request) error {
	appid, openid := userFromPath(r)
	u, err := s.Sessions.User(r.Context(), appid, openid)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, newUserResponse(u))
	return nil
}

func newUserResponse(u session.User) userResponse {
	res := userResponse{
		AppID: u.AppID, OpenID: u.OpenID, UnionID: u.UnionID, UserID: u.UserID, Roles: u.Roles,
		Profile: profileResponse(u.Profile), Phone: u.Phone.Number,
		FirstLogin: u.FirstLogin.UTC(), LastLogin: u.LastLogin.UTC(), Sessions: []sessionResponse{},
	}
	if u.Ban != nil {
		res.Ban = &banResponse{u.Ban.Reason, u.Ban.Until.UTC()}
	}
	for _, info := range u.Sessions {
		res.Sessions = append(res.Sessions, newSessionResponse(info))
	}
	return res
}
