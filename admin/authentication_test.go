package admin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
)

func TestATokenForOneAppIsRefusedForOthers(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	s := env.login("alice")
	for _, list := range calls(s.OpenID, s.ID) {
		for _, call := range list {
			var method, path string
			fmt.Sscan(call, &method, &path)
			want := "403 forbidden"
			if strings.HasPrefix(path, "/api/sessions/") {
				want = "404 not_found"
			}
			if a := env.call(method, path, otherToken, "{}"); outcome(a) != want {
				t.Errorf("%s: want %s, got %v", call, want, a)
			}
			elsewhere := strings.Replace(path, app, otherApp, 1)
			if a := env.call(method, elsewhere, otherToken, "{}"); elsewhere != path && a.Status == http.StatusForbidden && !strings.Contains(string(a.Body), "relay list") {
				t.Errorf("%s for its own app: %v", call, a)
			}
		}
	}
	if a := env.call("GET", "/api/sessions/"+s.ID, adminToken, ""); a.Status != http.StatusOK {
		t.Errorf("the session was ended: %v", a)
	}
}

func TestRelayErrorsHaveErrcodes(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	for call, want := range map[string]int{
		"POST " + codePath + " ":                                 99401,
		"POST " + codePath + " token-of-nobody":                  99401,
		"POST " + codePath + " " + adminToken:                    99403,
		"POST /wx/" + app + "/wxa/other " + wechatToken:          99403,
		"POST /wx/wxunknown/wxa/x " + wechatToken:                99400,
		"POST /wx/" + app + "/cgi-bin/..%2fx " + wechatToken:     99400,
		"GET /wx/" + app + "/cgi-bin/stable_token " + rawToken:   99405,
		"POST /wx/" + app + "/sns/jscode2session " + wechatToken: 99403,
		"GET /wx/" + app + " " + wechatToken:                     99404,
	} {
		var method, path, token string
		fmt.Sscan(call, &method, &path, &token)
		a := env.call(method, path, token, "{}")
		var body struct {
			Errcode   int
			Errmsg    string
			Error     string
			Message   string
			RequestID string `json:"request_id"`
		}
		a.JSON(t, &body)
		if body.Errcode != want || body.Errcode != 99000+a.Status || body.Errmsg == "" || body.Error != a.Code() || body.Message == "" || body.RequestID != a.Header.Get("X-Request-ID") {
			t.Errorf("%s: want %d, got %v", call, want, a)
		}
	}
	if a := env.call("GET", "/api/users/x/y", "", ""); strings.Contains(string(a.Body), "errcode") {
		t.Errorf("not the relay: %v", a)
	}
}

func TestNoJSONResponseEndsWithANewline(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	s := env.login("alice")
	for _, c := range [][3]string{
		{"GET", "/healthz", ""}, {"GET", "/readyz", ""}, {"GET", "/nowhere", ""}, {"GET", "/.well-known/jwks.json", ""},
		{"GET", "/wx/" + app + "/cgi-bin/token", wechatToken}, {"GET", "/wx/" + app + "/cgi-bin/token", rawToken}, {"GET", "/wx/" + app + "/cgi-bin/token", ""},
		{"GET", "/api/users/" + app + "/" + s.OpenID, adminToken}, {"GET", "/api/sessions/" + s.ID, adminToken},
	} {
		a := env.call(c[0], c[1], c[2], "")
		if !json.Valid(a.Body) || strings.HasSuffix(string(a.Body), "\n") {
			t.Errorf("%s: %q", c[1], a.Body)
		}
	}
}

// authFailures reads wxgate_admin_auth_failures_total for a reason.
func (env *testEnv) authFailures(reason string) float64 {
	env.t.Helper()
	families, err := env.metrics.Gather()
	testkit.Must(env.t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "wxgate_admin_auth_failures_total" && m.GetLabel()[0].GetValue() == reason {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func TestFailedAuthenticationsAreLoggedAndCounted(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	path := "/api/users/" + app + "/x"
	for reason, token := range map[string]string{"missing": "", "unknown": "token-of-nobody", "scope": wechatToken, "app": otherToken} {
		env.call("GET", path, token, "")
		if env.authFailures(reason) != 1 {
			t.Errorf("%s: counted %v", reason, env.authFailures(reason))
		}
		log := env.log.String()
		if !strings.Contains(log, `"msg":"authentication failed","reason":"`+reason+`"`) || !strings.Contains(log, `"from":"127.0.0.1:`) {
			t.Errorf("%s is not in the log", reason)
		}
		if token != "" && strings.Contains(log, token) {
			t.Error("the log contains a token")
		}
	}
}

func TestOnlyUnknownTokensAreThrottled(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	path := "/api/users/" + app + "/x"
	start := time.Now()
	for range 80 {
		if a := env.call("GET", path, "token-of-nobody", ""); outcome(a) != "401 token_invalid" {
			t.Fatalf("a guess: %v", a)
		}
	}
	if took := time.Since(start); took < 50*time.Millisecond { // the interval of a testEnv is 1 ms
		t.Errorf("80 guesses took %v", took)
	}
	if a := env.call("GET", path, adminToken, ""); outcome(a) != "404 not_found" {
		t.Errorf("a caller from the same address: %v", a)
	}
}
