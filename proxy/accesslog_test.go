package proxy_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/proxy"
)

// accessLines returns the lines of the access log with this request id.
func (env *testEnv) accessLines(id string) []map[string]any {
	env.t.Helper()
	var lines []map[string]any
	for line := range strings.Lines(env.logs.String()) {
		var fields map[string]any
		testkit.Must(env.t, json.Unmarshal([]byte(line), &fields))
		if fields["msg"] == "request" && fields["request_id"] == id {
			lines = append(lines, fields)
		}
	}
	return lines
}

func TestAccessLogLineHasTheDocumentedFields(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{})
	token := env.login("alice")
	for _, test := range []struct {
		id, method, path, token string
		fields                  map[string]any
		upstream                bool
	}{
		{"forwarded", "GET", "/api/x?secret=1", token, map[string]any{
			"path": "/api/x", "route": "api", "status": 200.0, "openid": env.user("alice").OpenID, "appid": appID, "user_agent": "tester/1",
			"host": env.addr, "client": "127.0.0.1", "method": "GET",
		}, true},
		{"refused", "GET", "/api/x", "", map[string]any{"status": 401.0, "error": "token_missing", "route": "api"}, false},
		{"own", "GET", "/auth/session", token, map[string]any{"status": 200.0, "route": "auth/session", "openid": env.user("alice").OpenID}, false},
		{"nowhere", "GET", "/nowhere", "", map[string]any{"status": 404.0, "route": "-", "error": "no_route"}, false},
	} {
		env.call(test.method, test.path, test.token, "", "X-Request-ID", test.id, "User-Agent", "tester/1")
		testkit.Within(t, time.Second, "one line for "+test.id, func() bool { return len(env.accessLines(test.id)) == 1 })
		line := env.accessLines(test.id)[0]
		for name, want := range test.fields {
			if line[name] != want {
				t.Errorf("%s: %s is %v, not %v", test.id, name, line[name], want)
			}
		}
		upstream, _ := line["upstream"].(string)
		elapsed, _ := line["upstream_duration"].(float64)
		if strings.HasPrefix(upstream, "127.0.0.1:") != test.upstream || (elapsed > 0) != test.upstream {
			t.Errorf("%s: upstream %q, %v s", test.id, upstream, elapsed)
		}
		if strings.Contains(env.logs.String(), "secret=1") {
			t.Error("the query string is logged")
		}
	}
}

func TestAccessLogCanBeTurnedOff(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{config: func(c *proxy.Config) { c.LogAccess = false }})
	env.call("GET", "/public/x", "", "", "X-Request-ID", "silent")
	env.call("GET", "/nowhere", "", "", "X-Request-ID", "silent")
	if lines := env.accessLines("silent"); len(lines) != 0 {
		t.Errorf("lines: %v", lines)
	}
}
