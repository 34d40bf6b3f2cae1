package proxy_test

import (
	"strings"
	"testing"

	"wxgate/proxy"
	"wxgate/secret"
	"wxgate/session"
)

func TestAssertionIsSetAndItsKeysArePublished(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{
		config:   func(c *proxy.Config) { c.Identity.Assertion = "X-Identity-Assertion" },
		settings: func(s *session.Config) { s.Secrets = append(s.Secrets, secret.Text(strings.Repeat("old0", 8))) },
	})
	token := env.login("alice")
	read := func() string {
		var got echoResponse
		env.call("GET", "/api/x", token, "", "X-Identity-Assertion", "forged").JSON(t, &got)
		return strings.Join(got.Header.Values("X-Identity-Assertion"), "|")
	}
	first := read()
	if strings.Count(first, ".") != 2 || first != read() {
		t.Errorf("assertions %q", first)
	}
	if res := env.call("GET", "/api/x", first, ""); res.Code() != "token_invalid" {
		t.Errorf("an assertion as a token: %d %s", res.Status, res.Code())
	}
	keys := env.call("GET", "/.well-known/jwks.json", "", "")
	if keys.Status != 200 || strings.Count(string(keys.Body), `"kid"`) != 2 || strings.Contains(string(keys.Body), `"d"`) {
		t.Errorf("keys: %d %s", keys.Status, keys.Body)
	}
}

func TestCloudRunHeadersAreSetByTheGatewayOnly(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{config: func(c *proxy.Config) { c.Identity.CloudRun = true }})
	var got echoResponse
	env.call("GET", "/api/x", env.login("alice"), "", "X-WX-OPENID", "oADMIN", "X-WX-SERVICE", "x").JSON(t, &got)
	if got.Header.Get("X-WX-OPENID") != env.user("alice").OpenID || got.Header.Get("X-WX-SOURCE") != "wx_client" || got.Header.Get("X-WX-SERVICE") != "" {
		t.Errorf("the backend received %v", got.Header)
	}
	var anonymous echoResponse
	env.call("GET", "/public/x", "", "", "X-WX-OPENID", "oADMIN").JSON(t, &anonymous)
	for name := range anonymous.Header {
		if strings.HasPrefix(name, "X-Wx-") {
			t.Errorf("an anonymous request has %s", name)
		}
	}
}

func TestCloudRunBackendReceivesTheClientAddress(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	s := a.newGateway(t, func(c *proxy.Config) { trustLoopback(c); c.Identity.CloudRun = true })
	req := s.expectForwarded(api("X-Forwarded-For: 203.0.113.9, 10.0.0.1", "X-Original-Forwarded-For: 6.6.6.6"), a.openA)
	if got := req.headerValues("X-Original-Forwarded-For"); len(got) != 1 || got[0] != "203.0.113.9" {
		t.Errorf("X-Original-Forwarded-For: %q", got)
	}
}
