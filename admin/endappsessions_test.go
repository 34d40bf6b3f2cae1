package admin_test

import (
	"net/http"
	"strings"
	"testing"

	"wxgate/internal/testkit"
	"wxgate/session"
)

func TestAllSessionsOfAnAppAreEnded(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	alice, bob := env.login("alice"), env.login("bob")
	_, other, _, err := env.sessions.Login(t.Context(), session.Login{AppID: otherApp, OpenID: "o2", SessionKey: "k"})
	testkit.Must(t, err)
	if a := env.call("DELETE", "/api/apps/"+app+"/sessions", adminToken, ""); a.Status != http.StatusNoContent {
		t.Fatalf("%v", a)
	}
	for sid, want := range map[string]string{alice.ID: "404 not_found", bob.ID: "404 not_found", other.ID: "200"} {
		testkit.Eventually(t, "ended", func() bool { return outcome(env.call("GET", "/api/sessions/"+sid, adminToken, "")) == want })
	}
	if line := env.lastAuditLine(); line["action"] != "end_app_sessions" || line["actor"] != "operators" || line["appid"] != app {
		t.Errorf("audited: %v", line)
	}
	for appid, want := range map[string]string{"wxnolongerconfigured": "204", "wx%20x": "400 bad_request", strings.Repeat("w", 65): "400 bad_request"} {
		if a := env.call("DELETE", "/api/apps/"+appid+"/sessions", adminToken, ""); outcome(a) != want {
			t.Errorf("%s: want %s, got %v", appid, want, a)
		}
	}
}
