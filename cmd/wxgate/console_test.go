package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"wxgate/admin"
	"wxgate/internal/testkit"
)

// adminJSON decodes the JSON response of a call to the private listener.
func (i *instance) adminJSON(path string, v any) {
	i.env.t.Helper()
	a := i.callAdmin("GET", path, adminToken, "")
	if a.Status != http.StatusOK {
		i.env.t.Fatalf("%s: %v", path, a)
	}
	testkit.Must(i.env.t, json.Unmarshal(a.Body, v))
}

func TestTheConsoleShowsUpstreamsAndTheirLastFailure(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	down := "http://" + closedPort(t)
	i := env.serve(settings{"routes": fmt.Sprintf("[%s, {path: /down/, name: down, auth: none, upstreams: [%q], eject: {failures: 1, for: 1m}},"+
		" {path: /checked/, name: checked, auth: none, upstreams: [%q], health: {path: /up, interval: 10ms, unhealthy: 1}}]", env.route("/api/", "name: api"), down, down)})
	i.call("GET", "/down/x", "", "")
	targets := map[string]admin.Target{}
	testkit.Eventually(t, "the check fails", func() bool {
		var got struct{ Upstreams []admin.UpstreamGroup }
		i.adminJSON("/api/upstreams", &got)
		for _, g := range got.Upstreams {
			targets[g.Route] = g.Targets[0]
		}
		return targets["checked"].Health == "unhealthy"
	})
	if up := targets["api"]; up.URL != env.backend.URL || up.Health != "healthy" || up.LastFailure != "" || up.Weight != 1 {
		t.Errorf("a healthy one: %+v", up)
	}
	if out := targets["down"]; out.Health != "ejected" || out.EjectedUntil.IsZero() || !strings.Contains(out.LastFailure, "connection refused") || out.LastFailureAt.IsZero() {
		t.Errorf("an ejected one: %+v", out)
	}
	if out := targets["checked"]; !strings.HasPrefix(out.LastFailure, "health: ") {
		t.Errorf("an unhealthy one: %+v", out)
	}
}

func TestTheConsoleIsOnThePrivateListenerOnly(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(nil)
	for _, path := range []string{"/console", "/console/", "/console/app.mjs", "/api/status", "/api/events"} {
		if a := i.call("GET", path, adminToken, ""); a.Header.Get("X-Gateway-Error") == "" {
			t.Errorf("%s on the public listener: %v", path, a)
		}
	}
	if a := i.callAdmin("GET", "/console/", "", ""); a.Status != http.StatusOK {
		t.Errorf("on the private one: %v", a)
	}
}

// An open event stream must not delay the shutdown.
func TestShutdownEndsTheConsolesEventStreams(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(nil)
	req, err := http.NewRequest("GET", i.private+"/api/events", nil)
	testkit.Must(t, err)
	req.Header.Set("Authorization", "Bearer "+adminToken)
	res, err := i.client.Do(req)
	testkit.Must(t, err)
	defer res.Body.Close()
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, res.Body)
		ended <- err
	}()
	begin := time.Now()
	i.cancel()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the stream is still open")
	}
	if status := <-i.status; status != exitOK || time.Since(begin) > 10*time.Second {
		t.Errorf("status %d after %v", status, time.Since(begin))
	}
	i.status <- exitOK // for i.end at the end of the test
}

func TestTheConsoleShowsRoutesInMatchOrder(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(settings{"routes": "[" + strings.Join([]string{
		env.route("/", "name: rest"), env.route("/api/", "name: api, rate_limit: 5/s, require: {roles: [staff]}"), env.route("/api/", "name: shop, host: shop.example.com"),
	}, ", ") + "]"})
	var got struct{ Routes []admin.Route }
	i.adminJSON("/api/routes", &got)
	var names []string
	for _, r := range got.Routes {
		names = append(names, r.Name)
	}
	if fmt.Sprint(names) != "[shop api rest]" {
		t.Errorf("order: %v", names)
	}
	if r := got.Routes[1]; r.RateLimit != "5/s" || r.Roles[0] != "staff" || r.Auth != "required" || r.Upstreams[0].URL != env.backend.URL || r.Credentials[0] != "bearer" {
		t.Errorf("api: %+v", r)
	}
	i.reload(settings{"routes": "[" + env.route("/new/", "name: new") + "]"})
	i.adminJSON("/api/routes", &got)
	if len(got.Routes) != 1 || got.Routes[0].Name != "new" {
		t.Errorf("after a reload: %+v", got.Routes)
	}
}

func TestTheConsoleExplainsARequest(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(settings{"routes": "[" + env.route("/api/", "name: api, strip_prefix: /api") + "]"})
	token := i.login("alice")
	explain := func(body string) (e admin.Explanation) {
		a := i.callAdmin("POST", "/api/explain", adminToken, body)
		testkit.Must(t, json.Unmarshal(a.Body, &e))
		if strings.Contains(string(a.Body), token) {
			t.Error("the output contains the token")
		}
		return e
	}
	passed := explain(fmt.Sprintf(`{"method":"GET","url":"/api/x?y=1","token":%q}`, token))
	alice := env.user(appA, "alice").OpenID
	if passed.Refusal != nil || passed.Route.Name != "api" || passed.Target != "/x?y=1" || passed.Session.OpenID != alice || passed.Headers["X-OpenID"][0] != alice {
		t.Errorf("forwarded: %+v", passed)
	}
	refused := explain(`{"url":"/api/x"}`)
	last := refused.Steps[len(refused.Steps)-1]
	if refused.Refusal == nil || refused.Refusal.Error != "token_missing" || refused.Refusal.Status != 401 || last != (admin.Step{Name: "authenticate", Outcome: "refused"}) {
		t.Errorf("refused: %+v", refused)
	}
	if own := explain(`{"method":"POST","url":"/auth/login"}`); !own.Own || own.Refusal != nil {
		t.Errorf("an endpoint of the gateway's own: %+v", own)
	}
	if picks := i.metric(`wxgate_upstream_picks_total{group="api",target="` + env.backend.URL + `"}`); picks != "0" {
		t.Errorf("the backend was called %s times", picks)
	}
}

func TestTheConsoleShowsTheConfigurationWithoutSecrets(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(settings{
		"hooks":   fmt.Sprintf(`{login: {url: "%s/h?key=hook-password-1234"}}`, env.backend.URL),
		"tracing": `{endpoint: "http://127.0.0.1:1", headers: {X-Key: tracing-key-1234}}`,
		"routes":  "[" + env.route("/api/", "request_headers: {set: {X-Pass: header-password-1234}}") + "]",
	})
	a := i.callAdmin("GET", "/api/config", adminToken, "")
	text := string(a.Body)
	if a.Status != http.StatusOK || a.Header.Get("Content-Type") != "application/yaml; charset=utf-8" || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%v", a)
	}
	for _, want := range []string{"appid: " + appA, "path: /api/", "idle_timeout:", "[redacted]"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, secret := range []string{appASecret, appBSecret, adminToken, wechatToken, strings.Trim(validSecret, `"`), "hook-password-1234", "tracing-key-1234", "header-password-1234"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is shown", secret)
		}
	}
}
