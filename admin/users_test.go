package admin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/session"
)

// userJSON is the response of GET /api/users/{appid}/{openid}.
type userJSON struct {
	AppID, OpenID, UnionID string
	Profile                struct {
		Nickname  string
		AvatarURL string `json:"avatar_url"`
	}
	Phone      string
	FirstLogin time.Time `json:"first_login"`
	LastLogin  time.Time `json:"last_login"`
	Ban        *struct {
		Reason string
		Until  time.Time
	}
	Sessions []struct {
		SID, AppID, OpenID string
		CreatedAt          time.Time `json:"created_at"`
		LastSeen           time.Time `json:"last_seen"`
		EndsAt             time.Time `json:"ends_at"`
	}
}

func (env *testEnv) show(path string) (u userJSON) {
	env.t.Helper()
	a := env.call("GET", path, adminToken, "")
	if a.Status != http.StatusOK {
		env.t.Fatalf("%s: %v", path, a)
	}
	a.JSON(env.t, &u)
	return u
}

func TestAUserIsShownWithSessionsAndWithoutSecrets(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	start := time.Now().Add(-time.Second)
	first := env.login("alice")
	time.Sleep(2 * time.Millisecond) // sessions are listed by their creation in milliseconds
	second := env.login("alice")
	testkit.Must(t, env.sessions.SetProfile(t.Context(), first, session.Profile{Nickname: "爱丽丝", AvatarURL: "https://example.com/a.png"}))
	testkit.Must(t, env.sessions.SetPhone(t.Context(), first, session.Phone{Number: "+1 555", PureNumber: "555", CountryCode: "1"}))
	alice := env.user("alice")
	path := "/api/users/" + app + "/" + alice.OpenID

	u := env.show(path)
	if u.AppID != app || u.OpenID != alice.OpenID || u.UnionID != alice.UnionID || u.Phone != "+1 555" ||
		u.Profile.Nickname != "爱丽丝" || u.Profile.AvatarURL != "https://example.com/a.png" || u.Ban != nil {
		t.Errorf("shown: %+v", u)
	}
	if u.FirstLogin.Before(start) || u.LastLogin.Before(u.FirstLogin) || len(u.Sessions) != 2 {
		t.Errorf("logins: %+v", u)
	}
	if u.Sessions[0].SID+u.Sessions[1].SID != first.ID+second.ID || u.Sessions[0].CreatedAt.Before(start) || !u.Sessions[0].EndsAt.Equal(first.EndsAt) {
		t.Errorf("sessions: %+v", u.Sessions)
	}
	text := string(env.call("GET", path, adminToken, "").Body)
	if strings.Contains(text, alice.SessionKey()) || strings.Contains(text, "key") {
		t.Errorf("a key is in the response: %s", text)
	}
	if a := env.call("GET", "/api/users/"+otherApp+"/"+alice.OpenID, adminToken, ""); outcome(a) != "404 not_found" {
		t.Errorf("at another app: %v", a)
	}
	// An unnecessary escape in the path makes no difference.
	escaped := "/api/users/" + app + "/%" + fmt.Sprintf("%X", alice.OpenID[0]) + alice.OpenID[1:]
	if a := env.call("GET", escaped, adminToken, ""); a.Status != http.StatusOK {
		t.Errorf("%s: %v", escaped, a)
	}
}

func TestOneSessionIsShownAndEnded(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	s, other := env.login("alice"), env.login("alice")
	path := "/api/sessions/" + s.ID
	var shown struct{ SID, AppID, OpenID string }
	env.call("GET", path, adminToken, "").JSON(t, &shown)
	if shown.SID != s.ID || shown.AppID != app || shown.OpenID != s.OpenID {
		t.Errorf("shown: %+v", shown)
	}
	if a := env.call("DELETE", path, adminToken, ""); a.Status != http.StatusOK || string(a.Body) != "{\"ended\":1}" {
		t.Errorf("ended: %v", a)
	}
	env.checkAudited("end_session", "operators", s.OpenID)
	for _, method := range []string{"GET", "DELETE"} {
		for _, sid := range []string{s.ID, "nonsense", strings.Repeat("A", 44)} {
			if a := env.call(method, "/api/sessions/"+sid, adminToken, ""); outcome(a) != "404 not_found" {
				t.Errorf("%s %s: %v", method, sid, a)
			}
		}
	}
	if u := env.show("/api/users/" + app + "/" + s.OpenID); len(u.Sessions) != 1 || u.Sessions[0].SID != other.ID {
		t.Errorf("left: %+v", u.Sessions)
	}
}

// checkAudited checks the actor, action and user of the last audit line.
func (env *testEnv) checkAudited(action, actor, openid string) map[string]any {
	env.t.Helper()
	line := env.lastAuditLine()
	if line["action"] != action || line["actor"] != actor || line["openid"] != openid || line["appid"] != app ||
		line["ok"] != true || line["request_id"] == "" || line["from"] == "" {
		env.t.Errorf("want an audit line of %s by %s on %s, got %v", action, actor, openid, line)
	}
	return line
}

func TestAllSessionsOfAUserAreEnded(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.login("alice")
	env.login("alice")
	bob := env.login("bob")
	alice := env.user("alice").OpenID
	path := "/api/users/" + app + "/" + alice + "/sessions"
	for _, want := range []string{"{\"ended\":2}", "{\"ended\":0}"} {
		if a := env.call("DELETE", path, adminToken, ""); a.Status != http.StatusOK || string(a.Body) != want {
			t.Errorf("want %s, got %v", want, a)
		}
	}
	env.checkAudited("end_all_sessions", "operators", alice)
	if u := env.show("/api/users/" + app + "/" + bob.OpenID); len(u.Sessions) != 1 {
		t.Errorf("another user's sessions: %+v", u)
	}
}

func TestABanEndsSessionsAndIsLifted(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.login("mallory")
	mallory := env.user("mallory").OpenID
	user := "/api/users/" + app + "/" + mallory
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	a := env.call("PUT", user+"/ban", adminToken, fmt.Sprintf(`{"reason":" spam ","until":%q}`, until.Format(time.RFC3339)))
	if a.Status != http.StatusOK || string(a.Body) != "{\"ended\":1}" {
		t.Fatalf("ban: %v", a)
	}
	line := env.checkAudited("ban", "operators", mallory)
	if line["reason"] != "spam" {
		t.Errorf("the audit line: %v", line)
	}
	if u := env.show(user); u.Ban == nil || u.Ban.Reason != "spam" || !u.Ban.Until.Equal(until) || len(u.Sessions) != 0 {
		t.Errorf("shown: %+v", u)
	}
	for range 2 { // lifting a ban is idempotent
		if a := env.call("DELETE", user+"/ban", adminToken, ""); a.Status != http.StatusNoContent {
			t.Errorf("unban: %v", a)
		}
	}
	env.checkAudited("unban", "operators", mallory)
	if u := env.show(user); u.Ban != nil {
		t.Errorf("after the unban: %+v", u)
	}
}

func TestAUserMayBeBannedBeforeTheFirstLogin(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	stranger := env.user("stranger").OpenID
	user := "/api/users/" + app + "/" + stranger
	for _, body := range []string{"", "{}", `{"reason":null,"until":null}`} {
		if a := env.call("PUT", user+"/ban", adminToken, body); a.Status != http.StatusOK || string(a.Body) != "{\"ended\":0}" {
			t.Errorf("%q: %v", body, a)
		}
	}
	text := string(env.call("GET", user, adminToken, "").Body)
	if !strings.Contains(text, `"ban":{}`) || strings.Contains(text, "first_login") {
		t.Errorf("shown: %s", text)
	}
	_, err := env.sessions.CheckBan(t.Context(), app, stranger)
	if err == nil {
		t.Error("the stranger may log in")
	}
}

func TestInvalidBansAreRefused(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	past := time.Now().Add(-time.Minute)
	for _, body := range []string{
		"x", "[]", "null", `"x"`, `{"reason":7}`, `{"until":"tomorrow"}`, `{"until":true}`, `{"until":[]}`,
		fmt.Sprintf(`{"until":%d}`, past.Unix()), fmt.Sprintf(`{"until":%q}`, past.Format(time.RFC3339)), `{"until":0}`, `{"until":-1}`,
		fmt.Sprintf(`{"until":%d}`, time.Now().Add(time.Hour).UnixMilli()), `{"until":9223372036854775807}`,
		`{"reason":"` + strings.Repeat("很", 501) + `"}`,
	} {
		if a := env.call("PUT", "/api/users/"+app+"/x/ban", adminToken, body); outcome(a) != "400 bad_request" {
			t.Errorf("%.80s: %v", body, a)
		}
	}
	if a := env.call("PUT", "/api/users/wxunknown/x/ban", adminToken, "{}"); outcome(a) != "400 bad_request" {
		t.Errorf("at an app that is not served: %v", a)
	}
	if a := env.call("PUT", "/api/users/"+app+"/"+strings.Repeat("x", 129)+"/ban", adminToken, "{}"); outcome(a) != "400 bad_request" {
		t.Errorf("an openid that is too long: %v", a)
	}
	if a := env.call("PUT", "/api/users/"+app+"/x/ban", adminToken, strings.Repeat(" ", 2<<20)); outcome(a) != "413 body_too_large" {
		t.Errorf("a body that is too large: %v", a)
	}
	if keys := env.redis.MustDo("KEYS", "wxgate:u:*"); keys != "" {
		t.Errorf("refused bans left %s", keys)
	}
}
