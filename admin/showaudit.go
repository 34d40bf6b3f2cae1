package admin

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"wxgate/apierror"
	"wxgate/session"
)

// auditResponse is one page of an audit trail, the newest entry first.
type auditResponse struct {
	Entries []auditEntry `json:"entries"`
	Next    string       `json:"next,omitempty"` // the value of before for the next page; none: this is the last
}

// The number of entries of a page.
const (
	defaultAuditLimit = 100
	maxAuditLimit     = 200
)

// auditQuery is the query of GET /api/audit.
type auditQuery struct {
	scope  Scope
	before string
	limit  int
}

// showAudit handles GET /api/audit?scope=…&before=…&limit=…: it returns entries of the
// trail of a scope. A token for some apps gets the entries of these apps only.
func (s *Server) showAudit(w http.ResponseWriter, r *http.Request) error {
	q, err := parseAuditQuery(r.URL.Query())
	if err != nil {
		return err
	}
	stored, err := s.Sessions.Audit(r.Context(), string(q.scope), q.before)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, newAuditPage(tokenFrom(r), stored, q.limit))
	return nil
}

func newAuditPage(t Token, stored []session.AuditEntry, limit int) auditResponse {
	page := auditResponse{Entries: []auditEntry{}}
	for _, e := range stored {
		entry := decodeAuditEntry(e)
		if !t.allowsApp(entry.AppID) {
			continue
		}
		if len(page.Entries) == limit {
			page.Next = page.Entries[limit-1].ID
			break
		}
		page.Entries = append(page.Entries, entry)
	}
	return page
}

func parseAuditQuery(q url.Values) (auditQuery, error) {
	out := auditQuery{scope: ScopeAdmin, limit: defaultAuditLimit}
	for name, values := range q {
		if len(values) != 1 || !out.set(name, values[0]) {
			return out, apierror.New(apierror.BadRequest, "scope is admin, wechat or token, before the id of an entry, limit 1 to 200, each once at most")
		}
	}
	return out, nil
}

// set sets one parameter. It reports false for an unknown or invalid one.
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
		return err == nil && 1 <= n && n <= maxAuditLimit
	}
	return false
}
