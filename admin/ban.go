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

// banResponse is a ban; without Until it is permanent.
type banResponse struct {
	Reason string    `json:"reason,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

// maxReason bounds a ban's reason, in characters.
const maxReason = 500

// banRequest is the body of PUT …/ban; both fields are optional.
type banRequest struct {
	Reason string   `json:"reason"`
	Until  *endTime `json:"until"`
}

// endTime is written as an RFC 3339 time or as Unix seconds.
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

// ban handles PUT /api/users/{appid}/{openid}/ban: it ends the user's sessions and
// refuses logins until the ban's end. The user may not have logged in yet.
func (s *Server) ban(w http.ResponseWriter, r *http.Request) error {
	appid, openid := userFromPath(r)
	if err := s.checkApp(appid); err != nil {
		return err
	}
	if len(openid) > maxOpenID {
		return apierror.New(apierror.BadRequest, "this is not an openid")
	}
	ban, err := readBan(r)
	if err != nil {
		return err
	}
	n, err := s.Sessions.Ban(withoutCancel(r), appid, openid, ban)
	s.audit(r, ScopeAdmin, auditEntry{Action: actionBan, AppID: appid, OpenID: openid, Reason: ban.Reason, Until: ban.Until, Ended: n}, err)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, endedResponse{n})
	return nil
}

// maxOpenID bounds an openid, in bytes; WeChat's have 28.
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
		return ban, apierror.New(apierror.BadRequest, "until is in the past")
	case ban.Until.Year() > lastYear:
		return ban, apierror.New(apierror.BadRequest, "until is too far in the future: write seconds, or leave it out for a permanent ban")
	}
	return ban, nil
}

// lastYear is the last year that RFC 3339 can represent.
const lastYear = 9999

// unban handles DELETE /api/users/{appid}/{openid}/ban.
func (s *Server) unban(w http.ResponseWriter, r *http.Request) error {
	appid, openid := userFromPath(r)
	_, err := s.Sessions.Unban(withoutCancel(r), appid, openid)
	s.audit(r, ScopeAdmin, auditEntry{Action: actionUnban, AppID: appid, OpenID: openid}, err)
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
