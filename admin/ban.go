package admin

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"wxgate/apierror"
	"wxgate/session"
)

// banAnswer is a ban; without Until it has no end.
type banAnswer struct {
	Reason string    `json:"reason,omitempty"`
	Until  time.Time `json:"until,omitzero"`
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
	if err := s.checkApp(appid); err != nil {
		return err
	}
	if len(openid) > maxOpenID {
		return apierror.New(apierror.BadRequest, "this is no openid")
	}
	ban, err := readBan(r)
	if err != nil {
		return err
	}
	n, err := s.Sessions.Ban(detached(r), appid, openid, ban)
	s.audit(r, ScopeAdmin, auditEntry{Action: actionBan, AppID: appid, OpenID: openid, Reason: ban.Reason, Until: ban.Until, Ended: n}, err)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, ended{n})
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
	_, err := s.Sessions.Unban(detached(r), appid, openid)
	s.audit(r, ScopeAdmin, auditEntry{Action: actionUnban, AppID: appid, OpenID: openid}, err)
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
