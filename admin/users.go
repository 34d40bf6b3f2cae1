package admin

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"

	"wxgate/apierror"
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

// banAnswer is a ban; without Until it has no end.
type banAnswer struct {
	Reason string    `json:"reason,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

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

// showUser answers GET /api/users/{appid}/{openid}.
func (s *Server) showUser(w http.ResponseWriter, r *http.Request) error {
	appid, openid := userOf(r)
	u, err := s.Sessions.User(r.Context(), appid, openid)
	if err != nil {
		return err
	}
	answer := userAnswer{
		AppID: appid, OpenID: openid, UnionID: u.UnionID, UserID: u.UserID, Roles: u.Roles,
		Profile: profileAnswer(u.Profile), Phone: u.Phone.Number,
		FirstLogin: u.FirstLogin.UTC(), LastLogin: u.LastLogin.UTC(), Sessions: []sessionAnswer{},
	}
	if u.Ban != nil {
		answer.Ban = &banAnswer{u.Ban.Reason, u.Ban.Until.UTC()}
	}
	for _, info := range u.Sessions {
		answer.Sessions = append(answer.Sessions, newSessionAnswer(info))
	}
	writeJSON(w, answer)
	return nil
}

// ended is how many sessions a call ended.
type ended struct {
	Ended int `json:"ended"`
}

// endAll answers DELETE /api/users/{appid}/{openid}/sessions.
func (s *Server) endAll(w http.ResponseWriter, r *http.Request) error {
	appid, openid := userOf(r)
	n, err := s.Sessions.EndAll(lasting(r), appid, openid, session.CauseAdmin)
	s.audit(r, "end_all_sessions", err, zap.String("appid", appid), zap.String("openid", openid), zap.Int("ended", n))
	if err != nil {
		return err
	}
	writeJSON(w, ended{n})
	return nil
}

// maxReason bounds a ban's reason, in characters.
const maxReason = 500

// banRequest is the body of PUT …/ban; both fields may be left out.
type banRequest struct {
	Reason string   `json:"reason"`
	Until  *endTime `json:"until"`
}

// endTime takes an RFC 3339 time or Unix seconds.
type endTime time.Time

func (e *endTime) UnmarshalJSON(raw []byte) error {
	var unix int64
	if err := json.Unmarshal(raw, &unix); err == nil {
		*e = endTime(time.Unix(unix, 0))
		return nil
	}
	var at time.Time
	if err := json.Unmarshal(raw, &at); err != nil {
		return err
	}
	*e = endTime(at)
	return nil
}

// ban answers PUT /api/users/{appid}/{openid}/ban: the user's sessions end,
// logins are refused until the ban's end. The user need not have come yet.
func (s *Server) ban(w http.ResponseWriter, r *http.Request) error {
	appid, openid := userOf(r)
	if err := s.served(appid); err != nil {
		return err
	}
	if len(openid) > maxOpenID {
		return apierror.New(apierror.BadRequest, "this is no openid")
	}
	ban, err := readBan(r)
	if err != nil {
		return err
	}
	n, err := s.Sessions.Ban(lasting(r), appid, openid, ban)
	s.audit(r, "ban", err, zap.String("appid", appid), zap.String("openid", openid),
		zap.String("reason", ban.Reason), zap.Time("until", ban.Until), zap.Int("ended", n))
	if err != nil {
		return err
	}
	writeJSON(w, ended{n})
	return nil
}

// maxOpenID is in bytes; WeChat's have 28 characters.
const maxOpenID = 128

func readBan(r *http.Request) (session.Ban, error) {
	var req banRequest
	if err := readOptionalJSON(r, &req); err != nil {
		return session.Ban{}, err
	}
	ban := session.Ban{Reason: strings.TrimSpace(req.Reason)}
	if utf8.RuneCountInString(ban.Reason) > maxReason {
		return ban, apierror.New(apierror.BadRequest, "reason is longer than 500 characters")
	}
	if req.Until == nil {
		return ban, nil
	}
	ban.Until = time.Time(*req.Until)
	switch {
	case !ban.Until.After(time.Now()):
		return ban, apierror.New(apierror.BadRequest, "until lies in the past")
	case ban.Until.Year() > lastYear:
		return ban, apierror.New(apierror.BadRequest, "until lies too far ahead: it is in seconds, or left out for good")
	}
	return ban, nil
}

// lastYear is the last that RFC 3339 can write.
const lastYear = 9999

// unban answers DELETE /api/users/{appid}/{openid}/ban.
func (s *Server) unban(w http.ResponseWriter, r *http.Request) error {
	appid, openid := userOf(r)
	_, err := s.Sessions.Unban(lasting(r), appid, openid)
	s.audit(r, "unban", err, zap.String("appid", appid), zap.String("openid", openid))
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// showSession answers GET /api/sessions/{sid}.
func (s *Server) showSession(w http.ResponseWriter, r *http.Request) error {
	info, err := s.Sessions.Info(r.Context(), chi.URLParam(r, "sid"))
	if err != nil {
		return err
	}
	writeJSON(w, newSessionAnswer(info))
	return nil
}

// endSession answers DELETE /api/sessions/{sid}.
func (s *Server) endSession(w http.ResponseWriter, r *http.Request) error {
	info, err := s.Sessions.Info(r.Context(), chi.URLParam(r, "sid")) // the audit tells whose it was
	if err != nil {
		return err
	}
	was, err := s.Sessions.End(lasting(r), info.ID, session.CauseAdmin)
	s.audit(r, "end_session", err, zap.String("appid", info.AppID), zap.String("openid", info.OpenID),
		zap.String("sid", info.ID), zap.Bool("was_open", was))
	if err != nil {
		return err
	}
	if !was {
		return session.ErrNotFound
	}
	writeJSON(w, ended{1})
	return nil
}
