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

// auditEntry is the record of one action, for the log and the audit trail: who did what
// to which user, and whether it succeeded.
type auditEntry struct {
	ID string    `json:"id,omitempty"` // assigned by the trail
	At time.Time `json:"at,omitzero"`  // assigned by the trail, by Redis's clock

	Actor     string `json:"actor"` // the token's name
	Action    string `json:"action"`
	OK        bool   `json:"ok"`
	Error     string `json:"error,omitempty"` // the error code
	From      string `json:"from"`            // the client's address and port
	RequestID string `json:"request_id"`

	AppID   string    `json:"appid"`
	OpenID  string    `json:"openid,omitempty"`
	SID     string    `json:"sid,omitempty"`
	Reason  string    `json:"reason,omitempty"` // of a ban
	Until   time.Time `json:"until,omitzero"`   // of a ban; none: permanent
	Ended   int       `json:"ended,omitempty"`  // number of sessions
	WasOpen bool      `json:"was_open,omitempty"`
}

// audit logs an entry and appends it to the audit trail of the scope that the call
// requires. The trails are separate because they are bounded: the many signatures of
// backends must not evict the actions of operators. If the
// entry can't be appended, that is logged; the call doesn't fail, since its action has
// been carried out.
func (s *Server) audit(r *http.Request, trail Scope, e auditEntry, err error) {
	e.Actor, e.OK, e.From, e.RequestID = tokenFrom(r).Name, err == nil, r.RemoteAddr, requestID(r)
	if err != nil {
		e.Error = string(apierror.From(err).Code)
	}
	s.Log.Named("audit").Info("audit", append(e.fields(), zap.Error(err))...)
	if err := s.appendAudit(r, trail, e); err != nil {
		s.Log.Warn("this action could not be added to the audit trail", zap.String("action", e.Action), zap.String("request_id", e.RequestID), zap.Error(err))
	}
}

// fields returns the fields of the log line.
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

// auditTimeout bounds how long a call waits until its entry is appended.
const auditTimeout = 500 * time.Millisecond

func (s *Server) appendAudit(r *http.Request, trail Scope, e auditEntry) error {
	ctx, cancel := context.WithTimeout(withoutCancel(r), auditTimeout)
	defer cancel()
	for _, text := range []*string{&e.AppID, &e.OpenID, &e.SID, &e.Reason} {
		*text = truncateAuditText(*text)
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return s.Sessions.AppendAudit(ctx, string(trail), string(text))
}

// maxAuditText bounds each text of an entry, in bytes. A ban's reason has at most
// 2,000 (maxReason characters).
const maxAuditText = 2048

func truncateAuditText(text string) string {
	if len(text) <= maxAuditText {
		return text
	}
	return strings.ToValidUTF8(text[:maxAuditText], "")
}

// decodeAuditEntry returns a stored entry as the API shows it.
func decodeAuditEntry(stored session.AuditEntry) auditEntry {
	e := auditEntry{}
	_ = json.Unmarshal([]byte(stored.Text), &e) // package session has verified its MAC
	e.ID, e.At = stored.ID, stored.At.UTC()
	return e
}
