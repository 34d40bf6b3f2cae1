package admin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"wxgate/internal/testkit"
	"wxgate/session"
)

func TestUsersAreFoundByPhoneUserIDAndUnionID(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	_, s, _, err := env.sessions.Login(t.Context(), session.Login{AppID: app, OpenID: "o1", UnionID: "u1", UserID: "42", SessionKey: "k"})
	testkit.Must(t, err)
	testkit.Must(t, env.sessions.SetPhone(t.Context(), s, session.Phone{Number: "+85291234567", PureNumber: "91234567", CountryCode: "852"}))
	_, _, _, err = env.sessions.Login(t.Context(), session.Login{AppID: otherApp, OpenID: "o2", UnionID: "u1", SessionKey: "k"})
	testkit.Must(t, err)
	for query, want := range map[string]string{
		"phone=" + url.QueryEscape("+85291234567"): "o1",
		"user_id=42":                   "o1",
		"unionid=u1&appid=" + app:      "o1",
		"unionid=u1&appid=" + otherApp: "o2",
		"unionid=u1":                   "o1 o2",
		"user_id=42&appid=" + otherApp: "",
		"phone=91234567":               "",
		"user_id=4":                    "",
	} {
		a := env.call("GET", "/api/users?"+query, adminToken, "")
		if got := openids(t, a); a.Status != http.StatusOK || got != want {
			t.Errorf("%s: %q, want %q, from %v", query, got, want, a)
		}
	}
	var body struct {
		Users []struct {
			Phone    string
			Sessions []struct{ SID string }
		}
	}
	env.call("GET", "/api/users?user_id=42", adminToken, "").JSON(t, &body)
	if len(body.Users) != 1 || body.Users[0].Phone != "+85291234567" || len(body.Users[0].Sessions) != 1 || body.Users[0].Sessions[0].SID != s.ID {
		t.Errorf("body: %+v", body)
	}
	for query, want := range map[string]string{
		"":                        "400 bad_request",
		"appid=" + app:            "400 bad_request",
		"phone=":                  "400 bad_request",
		"phone=1&user_id=2":       "400 bad_request",
		"phone=1&phone=2":         "400 bad_request",
		"openid=o1&phone=1":       "400 bad_request",
		"phone=1&x=1":             "400 bad_request",
		"phone=1&appid=wxunknown": "400 bad_request",
	} {
		if a := env.call("GET", "/api/users?"+query, adminToken, ""); outcome(a) != want {
			t.Errorf("%q: want %s, got %v", query, want, a)
		}
	}
	// A token for one app finds that app's users alone.
	if got := openids(t, env.call("GET", "/api/users?unionid=u1", otherToken, "")); got != "o2" {
		t.Errorf("with another app's token: %q", got)
	}
	if a := env.call("GET", "/api/users?unionid=u1&appid="+app, otherToken, ""); outcome(a) != "403 forbidden" {
		t.Errorf("with another app's token: %v", a)
	}
}

func openids(t *testing.T, a testkit.Response) string {
	t.Helper()
	var body struct{ Users []struct{ OpenID string } }
	a.JSON(t, &body)
	var all []string
	for _, u := range body.Users {
		all = append(all, u.OpenID)
	}
	return strings.Join(all, " ")
}
