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

// shownUser is a user as the listener shows him.
type shownUser struct {
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

func (w *world) show(path string) (u shownUser) {
	w.t.Helper()
	a := w.call("GET", path, adminToken, "")
	if a.status != http.StatusOK {
		w.t.Fatalf("%s: %v", path, a)
	}
	a.json(w.t, &u)
	return u
}

func TestAUserIsShownWithSessionsAndWithoutSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	start := time.Now().Add(-time.Second)
	first := w.login("alice")
	time.Sleep(2 * time.Millisecond) // sessions are listed by their creation in milliseconds
	second := w.login("alice")
	testkit.Must(t, w.sessions.SetProfile(t.Context(), first, session.Profile{Nickname: "爱丽丝", AvatarURL: "https://example.com/a.png"}))
	testkit.Must(t, w.sessions.SetPhone(t.Context(), first, session.Phone{Number: "+1 555", PureNumber: "555", CountryCode: "1"}))
	alice := w.user("alice")
	path := "/api/users/" + app + "/" + alice.OpenID

	u := w.show(path)
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
	text := string(w.call("GET", path, adminToken, "").body)
	if strings.Contains(text, alice.SessionKey()) || strings.Contains(text, "key") {
		t.Errorf("a key is shown: %s", text)
	}
	if a := w.call("GET", "/api/users/"+otherApp+"/"+alice.OpenID, adminToken, ""); a.outcome() != "404 not_found" {
		t.Errorf("at another app: %v", a)
	}
	// A path that is escaped without need means the same user.
	escaped := "/api/users/" + app + "/%" + fmt.Sprintf("%X", alice.OpenID[0]) + alice.OpenID[1:]
	if a := w.call("GET", escaped, adminToken, ""); a.status != http.StatusOK {
		t.Errorf("%s: %v", escaped, a)
	}
}

func TestOneSessionIsShownAndEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, other := w.login("alice"), w.login("alice")
	path := "/api/sessions/" + s.ID
	var shown struct{ SID, AppID, OpenID string }
	w.call("GET", path, adminToken, "").json(t, &shown)
	if shown.SID != s.ID || shown.AppID != app || shown.OpenID != s.OpenID {
		t.Errorf("shown: %+v", shown)
	}
	if a := w.call("DELETE", path, adminToken, ""); a.status != http.StatusOK || string(a.body) != "{\"ended\":1}" {
		t.Errorf("ended: %v", a)
	}
	w.wasAudited("end_session", "operators", s.OpenID)
	for _, method := range []string{"GET", "DELETE"} {
		for _, sid := range []string{s.ID, "nonsense", strings.Repeat("A", 44)} {
			if a := w.call(method, "/api/sessions/"+sid, adminToken, ""); a.outcome() != "404 not_found" {
				t.Errorf("%s %s: %v", method, sid, a)
			}
		}
	}
	if u := w.show("/api/users/" + app + "/" + s.OpenID); len(u.Sessions) != 1 || u.Sessions[0].SID != other.ID {
		t.Errorf("left: %+v", u.Sessions)
	}
}

// wasAudited checks the actor, action and subject of the last audit line.
func (w *world) wasAudited(action, actor, openid string) map[string]any {
	w.t.Helper()
	line := w.audited()
	if line["action"] != action || line["actor"] != actor || line["openid"] != openid || line["appid"] != app ||
		line["ok"] != true || line["request_id"] == "" || line["from"] == "" {
		w.t.Errorf("want an audit line of %s by %s on %s, got %v", action, actor, openid, line)
	}
	return line
}

func TestAllSessionsOfAUserAreEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.login("alice")
	w.login("alice")
	bob := w.login("bob")
	alice := w.user("alice").OpenID
	path := "/api/users/" + app + "/" + alice + "/sessions"
	for _, want := range []string{"{\"ended\":2}", "{\"ended\":0}"} {
		if a := w.call("DELETE", path, adminToken, ""); a.status != http.StatusOK || string(a.body) != want {
			t.Errorf("want %s, got %v", want, a)
		}
	}
	w.wasAudited("end_all_sessions", "operators", alice)
	if u := w.show("/api/users/" + app + "/" + bob.OpenID); len(u.Sessions) != 1 {
		t.Errorf("another user's sessions: %+v", u)
	}
}

func TestABanEndsSessionsAndIsLifted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.login("mallory")
	mallory := w.user("mallory").OpenID
	user := "/api/users/" + app + "/" + mallory
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	a := w.call("PUT", user+"/ban", adminToken, fmt.Sprintf(`{"reason":" spam ","until":%q}`, until.Format(time.RFC3339)))
	if a.status != http.StatusOK || string(a.body) != "{\"ended\":1}" {
		t.Fatalf("ban: %v", a)
	}
	line := w.wasAudited("ban", "operators", mallory)
	if line["reason"] != "spam" {
		t.Errorf("the audit line: %v", line)
	}
	if u := w.show(user); u.Ban == nil || u.Ban.Reason != "spam" || !u.Ban.Until.Equal(until) || len(u.Sessions) != 0 {
		t.Errorf("shown: %+v", u)
	}
	for range 2 { // lifting what is lifted does no harm
		if a := w.call("DELETE", user+"/ban", adminToken, ""); a.status != http.StatusNoContent {
			t.Errorf("unban: %v", a)
		}
	}
	w.wasAudited("unban", "operators", mallory)
	if u := w.show(user); u.Ban != nil {
		t.Errorf("after the unban: %+v", u)
	}
}

func TestABanMayComeBeforeTheUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stranger := w.user("stranger").OpenID
	user := "/api/users/" + app + "/" + stranger
	for _, body := range []string{"", "{}", `{"reason":null,"until":null}`} {
		if a := w.call("PUT", user+"/ban", adminToken, body); a.status != http.StatusOK || string(a.body) != "{\"ended\":0}" {
			t.Errorf("%q: %v", body, a)
		}
	}
	text := string(w.call("GET", user, adminToken, "").body)
	if !strings.Contains(text, `"ban":{}`) || strings.Contains(text, "first_login") {
		t.Errorf("shown: %s", text)
	}
	_, err := w.sessions.CheckBan(t.Context(), app, stranger)
	if err == nil {
		t.Error("the stranger may log in")
	}
}

func TestABanThatIsWrongIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	past := time.Now().Add(-time.Minute)
	for _, body := range []string{
		"x", "[]", "null", `"x"`, `{"reason":7}`, `{"until":"tomorrow"}`, `{"until":true}`, `{"until":[]}`,
		fmt.Sprintf(`{"until":%d}`, past.Unix()), fmt.Sprintf(`{"until":%q}`, past.Format(time.RFC3339)), `{"until":0}`, `{"until":-1}`,
		fmt.Sprintf(`{"until":%d}`, time.Now().Add(time.Hour).UnixMilli()), `{"until":9223372036854775807}`,
		`{"reason":"` + strings.Repeat("很", 501) + `"}`,
	} {
		if a := w.call("PUT", "/api/users/"+app+"/x/ban", adminToken, body); a.outcome() != "400 bad_request" {
			t.Errorf("%.80s: %v", body, a)
		}
	}
	if a := w.call("PUT", "/api/users/wxunknown/x/ban", adminToken, "{}"); a.outcome() != "400 bad_request" {
		t.Errorf("at an app that is not served: %v", a)
	}
	if a := w.call("PUT", "/api/users/"+app+"/"+strings.Repeat("x", 129)+"/ban", adminToken, "{}"); a.outcome() != "400 bad_request" {
		t.Errorf("an openid that is too long: %v", a)
	}
	if a := w.call("PUT", "/api/users/"+app+"/x/ban", adminToken, strings.Repeat(" ", 2<<20)); a.outcome() != "413 body_too_large" {
		t.Errorf("a body that is too large: %v", a)
	}
	if keys := w.redis.MustDo("KEYS", "wxgate:u:*"); keys != "" {
		t.Errorf("refused bans left %s", keys)
	}
}
