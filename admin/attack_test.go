package admin_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"wxgate/internal/testkit"
)

// raw sends bytes to the private listener as they are.
func (env *testEnv) raw(t *testing.T, request string) testkit.Response {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(env.base, "http://"))
	testkit.Must(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, request)
	testkit.Must(t, err)
	method, _, _ := strings.Cut(request, " ")
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	testkit.Must(t, err)
	got, err := testkit.ReadResponse(res)
	testkit.Must(t, err)
	return got
}

func TestAttacksOnThePrivateListener(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	s := env.login("alice")
	call := func(method, target string, lines ...string) string {
		return method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1:9090\r\n" + strings.Join(append(lines, ""), "\r\n") + "\r\n"
	}
	const operator = "Authorization: Bearer " + adminToken
	user := fmt.Sprintf("/api/users/%s/%s", app, s.OpenID)

	t.Run("AD-02", func(t *testing.T) {
		t.Parallel()
		for _, target := range []string{"/api/users/../sessions/x", "/api/users/" + app + "/..%2f..%2fx", "/api//users/x/y", "/api/users/x/y%00", "/api/users/;x/y", `/api\users`, "/wx/" + app + "/..%2fcgi-bin/token", "/wx/" + app + "/cgi-bin/%2e%2e/x", "/wx/" + app + "/cgi-bin%2ftoken", "/wx/" + app + "/%252e%252e/x"} {
			if got := env.raw(t, call("GET", target, "Authorization: Bearer "+bothToken)); got.Status != 400 || got.Code() != "bad_path" {
				t.Errorf("%s: %s", target, outcome(got))
			}
		}
		for _, method := range []string{"PATCH", "POST", "PUT", "TRACE", "get"} {
			if got := env.raw(t, call(method, "/api/sessions/x", operator, "Content-Length: 0")); got.Status != 405 {
				t.Errorf("%s: %s", method, outcome(got))
			}
		}
		escaped := "/api/users/" + app + "/" + strings.Replace(s.OpenID, s.OpenID[:1], fmt.Sprintf("%%%02x", s.OpenID[0]), 1)
		if got := env.raw(t, call("GET", escaped, operator)); got.Status != 200 || !strings.Contains(string(got.Body), s.OpenID) {
			t.Errorf("%s: %s", escaped, outcome(got))
		}
		for _, sid := range []string{"+1", "01", "*", "%2a", "{x}", strings.Repeat("a", 5000), "a:b", "%0d%0a"} {
			if got := env.raw(t, call("DELETE", "/api/sessions/"+sid, operator)); got.Status != 404 && got.Status != 400 {
				t.Errorf("%s: %s", sid, outcome(got))
			}
		}
	})
	t.Run("AD-03", func(t *testing.T) {
		t.Parallel()
		forged := []string{"", "Authorization: Bearer", "Authorization: Bearer ", "Authorization: Bearer x", "Authorization: Basic " + adminToken, "Authorization: " + adminToken, "Authorization: Bearer " + adminToken + "x",
			"Authorization: Bearer " + strings.ToUpper(adminToken), "Authorization: Bearer " + adminToken + ", Bearer x", "Authorization: Bearer " + adminToken + "\r\nAuthorization: Bearer " + adminToken,
			"Cookie: token=" + adminToken, "X-Forwarded-For: 127.0.0.1", "X-OpenID: admin", "User-Agent: kube-probe/1.29", "Authorization_: Bearer " + adminToken}
		for _, c := range [][2]string{{"GET", user}, {"DELETE", user + "/sessions"}, {"PUT", user + "/ban"}, {"DELETE", user + "/ban"}, {"GET", "/api/sessions/x"}, {"DELETE", "/api/sessions/x"},
			{"POST", user + "/decrypt"}, {"POST", user + "/sign"}, {"POST", user + "/reset-session-key"}, {"GET", "/api/users?phone=1"}, {"DELETE", "/api/apps/" + app + "/sessions"}, {"GET", "/wx/" + app + "/cgi-bin/token"}, {"POST", "/wx/" + app + "/cgi-bin/stable_token"}, {"GET", "/wx/" + app + "/wxa/getwxacodeunlimit"},
			{"GET", user + "?token=" + adminToken}, {"HEAD", user}} {
			for _, line := range forged {
				lines := []string{"Content-Length: 0"}
				if line != "" {
					lines = append(lines, line)
				}
				if got := env.raw(t, call(c[0], c[1], lines...)); got.Status != 401 {
					t.Errorf("%s %s with %q: %s", c[0], c[1], line, outcome(got))
				}
			}
		}
		if got := env.raw(t, call("GET", user, operator)); got.Status != 200 || !strings.Contains(string(got.Body), s.ID) {
			t.Errorf("the session was ended: %s", outcome(got))
		}
	})
	t.Run("AD-05", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{"/healthzX", "/healthz/", "/metrics/../api/sessions/x", "/metricsX", "/.well-known", "/debug/pprof/", "/debug/vars", "/config", "/"} {
			if got := env.raw(t, call("GET", path, operator)); got.Status != 404 && got.Status != 400 {
				t.Errorf("%s: %s", path, outcome(got))
			}
		}
	})
	t.Run("AD-06", func(t *testing.T) {
		t.Parallel()
		other := env.login("bob")
		env.raw(t, call("DELETE", fmt.Sprintf("/api/users/%s/%s/sessions", app, other.OpenID), operator))
		if log := env.log.String(); !strings.Contains(log, `"actor":"operators"`) || !strings.Contains(log, other.OpenID) || strings.Contains(log, adminToken) {
			t.Error("the log does not say who ended whose sessions, or contains the token")
		}
	})
	t.Run("CO-04", func(t *testing.T) {
		t.Parallel()
		// A malicious web page (CSRF, DNS rebinding) has no token, whatever its Host.
		for _, lines := range [][]string{{"Origin: http://evil.test", "Content-Type: text/plain"}, {"Origin: null"}} {
			request := strings.Replace(call("DELETE", user+"/sessions", append(lines, "Content-Length: 0")...), "127.0.0.1:9090", "evil.test", 1)
			got := env.raw(t, request)
			if got.Status != 401 || got.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%q: %s %v", lines, outcome(got), got.Header)
			}
		}
		if got := env.raw(t, call("OPTIONS", user, "Origin: http://evil.test", "Access-Control-Request-Method: DELETE")); got.Status < 400 || got.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("a preflight: %s %v", outcome(got), got.Header)
		}
	})
}
