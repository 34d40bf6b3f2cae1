package proxy_test

import (
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/proxy"
)

func TestRouteRequiresRoleOrPhone(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{routes: []*proxy.Route{
		{Name: "phone", Path: "/phone/", Auth: proxy.AuthRequired, RequirePhone: true},
		{Name: "roles", Path: "/roles/", Auth: proxy.AuthRequired, Roles: []string{"admin", "staff"}},
	}, config: func(c *proxy.Config) { c.Identity.Phone = "X-Phone" }})
	alice := env.user("alice")
	token := env.login("alice")
	if a := env.call("GET", "/phone/x", token, ""); a.Status != 403 || a.Code() != "phone_required" {
		t.Errorf("without a phone: %d %s", a.Status, a.Code())
	}
	if a := env.call("GET", "/roles/x", token, ""); a.Status != 403 || a.Code() != "forbidden" {
		t.Errorf("without a role: %d %s", a.Status, a.Code())
	}
	bound := env.call("POST", "/auth/phone", token, `{"code":"`+alice.PhoneCode()+`"}`)
	if bound.Status != 200 {
		t.Fatalf("binding: %d %s", bound.Status, bound.Body)
	}
	testkit.Within(t, time.Second, "the route accepts the session with a phone", func() bool {
		a := env.call("GET", "/phone/x", token, "")
		return a.Status == 200 && strings.Contains(string(a.Body), `"X-Phone":["`+alice.Phone()+`"]`)
	})
}
