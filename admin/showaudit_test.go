package admin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"wxgate/session"
)

// auditPageJSON is the response of GET /api/audit.
type auditPageJSON struct {
	Entries []struct {
		ID, Actor, Action, Error, From, AppID, OpenID, SID, Reason string
		RequestID                                                  string `json:"request_id"`
		At, Until                                                  time.Time
		OK                                                         bool
		Ended                                                      int
	}
	Next string
}

func (env *testEnv) trail(token, query string) (p auditPageJSON) {
	env.t.Helper()
	a := env.call("GET", "/api/audit"+query, token, "")
	if a.Status != http.StatusOK {
		env.t.Fatalf("%s: %v", query, a)
	}
	a.JSON(env.t, &p)
	return p
}

func TestEachChangeIsInTheAuditTrail(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	s := env.login("alice")
	env.login("alice")
	user := "/api/users/" + app + "/" + s.OpenID
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	env.call("DELETE", "/api/sessions/"+s.ID, adminToken, "")
	env.call("DELETE", user+"/sessions", bothToken, "")
	env.call("PUT", user+"/ban", adminToken, fmt.Sprintf(`{"reason":"spam","until":%q}`, until.Format(time.RFC3339)))
	env.call("DELETE", user+"/ban", adminToken, "")
	env.call("DELETE", "/api/apps/"+app+"/sessions", adminToken, "")
	env.login("alice")
	env.call("POST", user+"/sign", bothToken, `{"message":"m"}`)
	env.call("GET", "/wx/"+app+"/cgi-bin/token", rawToken, "")

	got := env.trail(adminToken, "")
	var actions []string
	for _, e := range got.Entries {
		actions = append(actions, e.Actor+" "+e.Action)
		if !e.OK || e.AppID != app || e.From == "" || e.RequestID == "" || time.Since(e.At) > time.Minute || !session.ValidAuditID(e.ID) {
			t.Errorf("%+v", e)
		}
	}
	if want := "[operators end_app_sessions operators unban operators ban owner end_all_sessions operators end_session]"; fmt.Sprint(actions) != want || got.Next != "" {
		t.Fatalf("got %v, next %q", actions, got.Next)
	}
	if ban := got.Entries[2]; ban.OpenID != s.OpenID || ban.Reason != "spam" || !ban.Until.Equal(until) {
		t.Errorf("ban: %+v", ban)
	}
	if end, all := got.Entries[4], got.Entries[3]; end.SID != s.ID || all.Ended != 1 {
		t.Errorf("ends: %+v, %+v", end, all)
	}
	for scope, action := range map[string]string{"wechat": "sign", "token": "access_token"} {
		if of := env.trail(adminToken, "?scope="+scope).Entries; len(of) != 1 || of[0].Action != action {
			t.Errorf("%s: %+v", scope, of)
		}
	}
}

func TestTheAuditTrailIsPaginated(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	for i := range 5 {
		env.call("DELETE", fmt.Sprintf("/api/users/%s/o%d/ban", app, i), adminToken, "")
		env.call("DELETE", fmt.Sprintf("/api/users/%s/x%d/ban", otherApp, i), adminToken, "")
	}
	read := func(token string) (got []string) {
		query := "?limit=2"
		for range 10 {
			p := env.trail(token, query)
			for _, e := range p.Entries {
				got = append(got, e.OpenID)
			}
			if p.Next == "" {
				return got
			}
			query = "?limit=2&before=" + p.Next
		}
		t.Error("the pages have no end")
		return got
	}
	if got := read(adminToken); fmt.Sprint(got) != "[x4 o4 x3 o3 x2 o2 x1 o1 x0 o0]" {
		t.Errorf("%v", got)
	}
	if got := read(otherToken); fmt.Sprint(got) != "[x4 x3 x2 x1 x0]" {
		t.Errorf("a token for one app sees %v", got)
	}
	for _, query := range []string{
		"?limit=0", "?limit=201", "?limit=x", "?limit=1&limit=2", "?before=", "?before=x", "?before=(1-0", "?scope=", "?scope=all", "?page=2",
	} {
		if a := env.call("GET", "/api/audit"+query, adminToken, ""); outcome(a) != "400 bad_request" {
			t.Errorf("%s: %v", query, a)
		}
	}
}

func TestAnActionSucceedsWithoutItsAuditEntry(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.redis.MustDo("ACL", "SETUSER", "default", "-xadd")
	s := env.login("alice")
	if a := env.call("DELETE", "/api/sessions/"+s.ID, adminToken, ""); a.Status != http.StatusOK {
		t.Fatalf("%v", a)
	}
	env.checkAudited("end_session", "operators", s.OpenID)
	if !strings.Contains(env.log.String(), "could not be added to the audit trail") {
		t.Error("the gap in the trail is not logged")
	}
	if a := env.call("GET", "/api/sessions/"+s.ID, adminToken, ""); outcome(a) != "404 not_found" {
		t.Errorf("%v", a)
	}
}

// A caller's long texts must not fill the store.
func TestLongTextsAreTruncatedInTheAuditTrail(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.call("DELETE", "/api/users/"+app+"/"+strings.Repeat("很", 3000)+"/ban", adminToken, "")
	e := env.trail(adminToken, "").Entries
	if len(e) != 1 || len(e[0].OpenID) != 2046 || strings.Trim(e[0].OpenID, "很") != "" {
		t.Errorf("%d entries, %d bytes", len(e), len(e[0].OpenID))
	}
}
