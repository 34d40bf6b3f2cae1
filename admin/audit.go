package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/session"
)

// auditEntry is what a call leaves in the log and in the audit trail: who did what
// to whom, and whether it was done.
type auditEntry struct {
	ID string    `json:"id,omitempty"` // made by the trail
	At time.Time `json:"at,omitzero"`  // likewise, by Redis's clock

	Actor     string `json:"actor"` // the token's name
	Action    string `json:"action"`
	OK        bool   `json:"ok"`
	Error     string `json:"error,omitempty"` // its code
	From      string `json:"from"`
	RequestID string `json:"request_id"`

	AppID   string    `json:"appid"`
	OpenID  string    `json:"openid,omitempty"`
	SID     string    `json:"sid,omitempty"`
	Reason  string    `json:"reason,omitempty"` // of a ban
	Until   time.Time `json:"until,omitzero"`   // of a ban; none: for good
	Ended   int       `json:"ended,omitempty"`  // how many sessions
	WasOpen bool      `json:"was_open,omitempty"`
}

// audit writes the one line of the log that the call leaves, and appends it to
// the audit trail of the scope that the call requires: backends that ask for
// signatures all the time must not push out what operators did. An entry that can't be
// appended is logged and doesn't fail the call, which has been carried out.
func (s *Server) audit(r *http.Request, trail Scope, e auditEntry, err error) {
	e.Actor, e.OK, e.From, e.RequestID = tokenOf(r).Name, err == nil, r.RemoteAddr, requestID(r)
	if err != nil {
		e.Error = string(apierror.From(err).Code)
	}
	s.Log.Named("audit").Info("audit", append(e.fields(), zap.Error(err))...)
	if err := s.appendAudit(r, trail, e); err != nil {
		s.Log.Warn("the audit trail in the store has no entry of this action", zap.String("action", e.Action), zap.String("request_id", e.RequestID), zap.Error(err))
	}
}

// fields are those of the line in the log.
func (e auditEntry) fields() []zap.Field {
	fields := []zap.Field{
		zap.String("actor", e.Actor), zap.String("action", e.Action), zap.String("request_id", e.RequestID),
		zap.String("from", e.From), zap.Bool("ok", e.OK), zap.String("appid", e.AppID),
	}
	for _, text := range []struct{ name, value string }{{"openid", e.OpenID}, {"sid", e.SID}, {"reason", e.Reason}} {
		if text.value != "" {
			fields = append(fields, zap.String(text.name, text.value))
		}
	}
	if !e.Until.IsZero() {
		fields = append(fields, zap.Time("until", e.Until))
	}
	switch e.Action {
	case actionBan, actionEndAll:
		fields = append(fields, zap.Int("ended", e.Ended))
	case actionEndSession:
		fields = append(fields, zap.Bool("was_open", e.WasOpen))
	}
	return fields
}

// The actions of the audit log.
const (
	actionBan         = "ban"
	actionUnban       = "unban"
	actionEndSession  = "end_session"
	actionEndAll      = "end_all_sessions"
	actionEndApp      = "end_app_sessions"
	actionDecrypt     = "decrypt"
	actionSign        = "sign"
	actionResetKey    = "reset_session_key"
	actionAccessToken = "access_token"
)

// auditTimeout bounds what a call waits for its entry in the trail.
const auditTimeout = 500 * time.Millisecond

func (s *Server) appendAudit(r *http.Request, trail Scope, e auditEntry) error {
	ctx, cancel := context.WithTimeout(detached(r), auditTimeout)
	defer cancel()
	for _, text := range []*string{&e.AppID, &e.OpenID, &e.SID, &e.Reason} {
		*text = clipAudit(*text)
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return s.Sessions.AppendAudit(ctx, string(trail), string(text))
}

// maxAuditText bounds each text of an entry, in bytes; the longest reason of a ban
// has 2,000.
const maxAuditText = 2048

func clipAudit(text string) string {
	if len(text) <= maxAuditText {
		return text
	}
	return strings.ToValidUTF8(text[:maxAuditText], "")
}

// readAudit is the entry as the API shows it.
func readAudit(stored session.AuditEntry) auditEntry {
	e := auditEntry{}
	_ = json.Unmarshal([]byte(stored.Text), &e) // of our own making: its MAC was checked
	e.ID, e.At = stored.ID, stored.At.UTC()
	return e
}
