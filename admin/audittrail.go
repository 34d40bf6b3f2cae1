package admin

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"wxgate/apierror"
	"wxgate/session"
)

// auditAnswer is one page of an audit trail, the newest first.
type auditAnswer struct {
	Entries []auditEntry `json:"entries"`
	Next    string       `json:"next,omitempty"` // the value of before for the page after; none: this is the last
}

const (
	auditPage    = 100 // entries, where no limit is asked for
	maxAuditPage = 200
)

// auditQuery is what GET /api/audit may ask for.
type auditQuery struct {
	scope  Scope
	before string
	limit  int
}

// showAudit answers GET /api/audit?scope=…&before=…&limit=… with entries of the
// trail of a scope. A token for some apps sees the entries of these apps.
func (s *Server) showAudit(w http.ResponseWriter, r *http.Request) error {
	q, err := readAuditQuery(r.URL.Query())
	if err != nil {
		return err
	}
	stored, err := s.Sessions.Audit(r.Context(), string(q.scope), q.before)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, auditPageOf(tokenOf(r), stored, q.limit))
	return nil
}

func auditPageOf(t Token, stored []session.AuditEntry, limit int) auditAnswer {
	answer := auditAnswer{Entries: []auditEntry{}}
	for _, e := range stored {
		entry := readAudit(e)
		if !t.mayUse(entry.AppID) {
			continue
		}
		if len(answer.Entries) == limit {
			answer.Next = answer.Entries[limit-1].ID
			break
		}
		answer.Entries = append(answer.Entries, entry)
	}
	return answer
}

func readAuditQuery(q url.Values) (auditQuery, error) {
	out := auditQuery{scope: ScopeAdmin, limit: auditPage}
	for name, values := range q {
		if len(values) != 1 || !out.set(name, values[0]) {
			return out, apierror.New(apierror.BadRequest, "scope is admin, wechat or token, before the id of an entry, limit 1 to 200, each once at most")
		}
	}
	return out, nil
}

// set takes one parameter, and reports false for one that is unknown or wrong.
func (q *auditQuery) set(name, value string) bool {
	switch name {
	case "scope":
		q.scope = Scope(value)
		return slices.Contains([]Scope{ScopeAdmin, ScopeWeChat, ScopeToken}, q.scope)
	case "before":
		q.before = value
		return session.ValidAuditID(value)
	case "limit":
		n, err := strconv.Atoi(value)
		q.limit = n
		return err == nil && 1 <= n && n <= maxAuditPage
	}
	return false
}
