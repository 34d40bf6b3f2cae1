package main

import (
	"strings"
	"testing"
)

func TestExplainSaysTheOutcomeOfARequest(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	file := configFile(t, env.config(settings{"routes": "[" + strings.Join([]string{
		env.route("/api/", "name: api, strip_prefix: /api, add_prefix: /v2"), env.route("/public/", "auth: none"),
		env.route("/signed/", "proof: sign, max_body: 1MiB"),
		env.route("/admin/", "name: admin, methods: [GET], require: {roles: [admin], phone: true}"),
	}, ", ") + "]"}))
	i := env.serve(nil)
	token, over := i.login("alice"), i.login("alice")
	i.call("POST", "/auth/logout", over, "")
	alice := env.user(appA, "alice").OpenID

	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"forwarded": {[]string{"GET", "/api/x?y=1", "--token", token}, []string{
			"route:    api (path /api/, host any, methods any)", "asks for: auth required", "as /v2/x?y=1",
			"token:    of openid " + alice, "header:   X-OpenID: " + alice, "outcome:  forwarded"}},
		"no token":        {[]string{"GET", "/api/x"}, []string{"token:    none", "outcome:  401 token_missing"}},
		"invalid token":   {[]string{"GET", "/api/x", "--token", "nonsense"}, []string{"outcome:  401 token_invalid"}},
		"ended session":   {[]string{"GET", "/api/x", "--token", over}, []string{"outcome:  401 session_ended"}},
		"not checked":     {[]string{"GET", "/public/x", "--token", "nonsense"}, []string{"token:    not checked", "outcome:  forwarded"}},
		"without a role":  {[]string{"GET", "/admin/x", "--token", token}, []string{"one of the roles admin; a phone number", "outcome:  403 forbidden"}},
		"a proof":         {[]string{"POST", "/signed/x", "--token", token}, []string{"a proof of WeChat's client", "outcome:  forwarded with a valid X-Gateway-Proof; without one 403 proof_required"}},
		"a wrong method":  {[]string{"POST", "/admin/x", "--token", token}, []string{"route:    none", "outcome:  405 method_not_allowed"}},
		"no route":        {[]string{"GET", "/nowhere"}, []string{"route:    none", "outcome:  404 no_route"}},
		"a bad path":      {[]string{"GET", "/api/%2e%2e/x"}, []string{"outcome:  400 bad_path"}},
		"the gateway's":   {[]string{"POST", "/auth/login"}, []string{"outcome:  answered by the gateway"}},
		"a ticket":        {[]string{"GET", "/auth/enter?ticket=abc"}, []string{"request:  GET /auth/enter?[redacted], host"}},
		"a pre-fetch":     {[]string{"GET", "/auth/prefetch/" + appA + "/" + prefetchKey + "?code=abc"}, []string{"request:  GET /auth/prefetch/" + appA + "/[redacted]?[redacted]", "answered by the gateway"}},
		"a URL in full":   {[]string{"get", "https://shop.example.com/public/x"}, []string{"request:  GET /public/x, host shop.example.com", "outcome:  forwarded"}},
		"a path as a URL": {[]string{"GET", "http://h/public/a%20b"}, []string{"as /public/a%20b"}},
	} {
		status, stdout, stderr := wxgate(t, append([]string{"explain", "--config", file}, c.args...)...)
		if status != exitOK || stderr != "" {
			t.Errorf("%s: status %d, %s", name, status, stderr)
		}
		for _, want := range c.want {
			if !strings.Contains(stdout, want) {
				t.Errorf("%s: no %q in\n%s", name, want, stdout)
			}
		}
		if strings.Contains(stdout, token) {
			t.Errorf("%s: the output contains the token", name)
		}
	}
}
