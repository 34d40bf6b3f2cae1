package main

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"testing"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
)

func TestTheDocumentedACLRuleIsSufficient(t *testing.T) {
	t.Parallel()
	docs, err := os.ReadFile("../../docs/operations.md")
	testkit.Must(t, err)
	rule := regexp.MustCompile(`(?m)^user (wxgate on >password .*)$`).FindSubmatch(docs)
	if rule == nil {
		t.Fatal("docs/operations.md has no ACL rule")
	}
	env := newTestEnv(t)
	env.redis = redistest.Options{Users: []string{"default off", string(rule[1])}}.Start(t)
	i := env.serve(settings{
		"redis":   fmt.Sprintf("{addrs: [%q], username: wxgate, password: password}", env.redis.Addr),
		"session": "{max_per_user: 2}", "limits": "{login_per_ip: 1000/m}", "token": "{format: opaque}",
		"routes": "[" + env.route("/api/", "rate_limit: 100/s, cookies: jar") + "]",
	})
	alice := env.user(appA, "alice")
	token := i.login("alice")
	backendRequest(t, i.call("GET", "/api/x", token, ""))
	user := "/api/users/" + appA + "/" + alice.OpenID
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/auth/phone", fmt.Sprintf(`{"code":%q}`, alice.PhoneCode())}, {"PUT", "/auth/profile", `{"nickname":"a"}`},
		{"GET", "/auth/session", ""}, {"POST", "/auth/check", ""}, {"POST", "/auth/refresh", ""}, {"POST", "/auth/logout", `{"all":true}`},
	} {
		if a := i.call(c.method, c.path, token, c.body); a.Status != http.StatusOK && a.Status != http.StatusNoContent {
			t.Errorf("%s %s: %v", c.method, c.path, a)
		}
	}
	for range 3 { // the oldest session is ended
		i.login("alice")
	}
	i.callAdmin("DELETE", user+"/sessions", adminToken, "")
	i.login("alice")
	sid := i.sid(t, user)
	for _, c := range []struct{ method, path, token string }{
		{"DELETE", "/api/sessions/" + sid, adminToken}, {"DELETE", user + "/sessions", adminToken},
		{"PUT", user + "/ban", adminToken}, {"DELETE", user + "/ban", adminToken}, {"GET", "/wx/" + appA + "/cgi-bin/token", wechatToken},
	} {
		if a := i.callAdmin(c.method, c.path, c.token, ""); a.Status != http.StatusOK && a.Status != http.StatusNoContent {
			t.Errorf("%s %s: %v", c.method, c.path, a)
		}
	}
	if errors := i.series()["wxgate_redis_errors_total"]; errors != 0 {
		t.Errorf("Redis refused a command:\n%s", i.out)
	}
}
