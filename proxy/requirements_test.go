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
	if res := env.call("GET", "/phone/x", token, ""); res.Status != 403 || res.Code() != "phone_required" {
		t.Errorf("without a phone: %d %s", res.Status, res.Code())
	}
	if res := env.call("GET", "/roles/x", token, ""); res.Status != 403 || res.Code() != "forbidden" {
		t.Errorf("without a role: %d %s", res.Status, res.Code())
	}
	bound := env.call("POST", "/auth/phone", token, `{"code":"`+alice.PhoneCode()+`"}`)
	if bound.Status != 200 {
		t.Fatalf("binding: %d %s", bound.Status, bound.Body)
	}
	testkit.Within(t, time.Second, "the route accepts the session with a phone", func() bool {
		res := env.call("GET", "/phone/x", token, "")
		return res.Status == 200 && strings.Contains(string(res.Body), `"X-Phone":["`+alice.Phone()+`"]`)
	})
}
