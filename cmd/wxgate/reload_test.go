package main

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"

	"wxgate/internal/testkit"
)

const freshSecret = "0JirXkS5qrt1X3bYBlmPQ1c8Zis15KLqseMS7JrRleI="

func TestAChangedFilePutsRoutesAndUpstreamsInForce(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(nil)
	token := i.login("alice")
	seenByBackend(t, i.call("GET", "/public/x", "", ""))
	if a := i.call("GET", "/v2/x", token, ""); a.Code() != "no_route" {
		t.Fatalf("before: %v", a)
	}
	other := newBackend(t)
	moved := fmt.Sprintf("{path: /api/, upstreams: [%q], response_headers: {set: {X-Moved: here}}}", other.URL)
	i.reload(settings{"routes": "[" + moved + ", " + env.route("/v2/", "") + "]"})

	if a := i.call("GET", "/v2/x", token, ""); seenByBackend(t, a).Header.Get("X-OpenID") != env.user(appA, "alice").OpenID {
		t.Errorf("the new route: %v", a)
	}
	if a := i.call("GET", "/public/x", "", ""); a.Code() != "no_route" {
		t.Errorf("the route that was taken away: %v", a)
	}
	env.backend.Close()
	if a := i.call("GET", "/api/x", token, ""); a.Status != http.StatusOK || a.Header.Get("X-Moved") != "here" {
		t.Errorf("the upstream that changed: %v", a)
	}
}

func TestAppsLimitsAndPrivateTokensAreReloaded(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	one := settings{"apps": fmt.Sprintf("[{appid: %s, secret: %s}]", appA, appASecret)}
	i := env.serve(one)
	login := func(app string) testkit.Response {
		return i.call("POST", "/auth/login", "", fmt.Sprintf(`{"appid":%q,"code":%q}`, app, env.user(app, "bob").Code()))
	}
	if a := login(appB); a.Code() != "bad_request" {
		t.Fatalf("an app that is not configured: %v", a)
	}
	i.reload(settings{
		"limits": `{login_per_ip: "", max_body: 1KiB}`,
		"admin":  fmt.Sprintf(`{listen: "127.0.0.1:0", tokens: [{name: new, token: fresh-%s, scopes: [admin]}]}`, adminToken),
	})
	if a := login(appB); a.Status != http.StatusOK {
		t.Errorf("an app that was added: %v", a)
	}
	if a := i.call("POST", "/api/x", i.login("alice"), strings.Repeat("x", 2000)); a.Code() != "body_too_large" {
		t.Errorf("a new limit: %v", a)
	}
	user := "/api/users/" + appB + "/" + env.user(appB, "bob").OpenID
	if a := i.manage("GET", user, adminToken, ""); a.Code() != "token_invalid" {
		t.Errorf("a private token that was taken away: %v", a)
	}
	if a := i.manage("GET", user, "fresh-"+adminToken, ""); a.Status != http.StatusOK {
		t.Errorf("a private token that was added: %v", a)
	}
	// An app's wrong secret shows at the next login, and a right one mends it.
	i.reload(settings{"apps": fmt.Sprintf("[{appid: %s, secret: wrong}]", appA)})
	if a := login(appA); a.Code() != "wechat_misconfigured" {
		t.Errorf("a wrong AppSecret: %v", a)
	}
	i.reload(one)
	if a := login(appA); a.Status != http.StatusOK {
		t.Errorf("the right AppSecret again: %v", a)
	}
}

func TestSecretsAreRotatedByPrepending(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(nil)
	old := i.login("alice")
	keys := string(i.call("GET", "/.well-known/jwks.json", "", "").Body)

	i.reload(settings{"secrets": "[" + freshSecret + ", " + goodSecret + "]"})
	seenByBackend(t, i.call("GET", "/api/x", old, ""))
	fresh := i.call("POST", "/auth/refresh", old, "").Field("token")
	if a := i.call("POST", "/auth/check", old, ""); a.Field("valid") != "true" {
		t.Errorf("a session_key sealed under the old secret: %v", a)
	}
	if both := string(i.call("GET", "/.well-known/jwks.json", "", "").Body); strings.Count(both, `"kid"`) != 2*strings.Count(keys, `"kid"`) {
		t.Errorf("the old key is no longer published: %s", both)
	}

	i.reload(settings{"secrets": "[" + freshSecret + "]"})
	if a := i.call("GET", "/api/x", old, ""); a.Code() != "token_invalid" {
		t.Errorf("a token under the secret that is gone: %v", a)
	}
	seenByBackend(t, i.call("GET", "/api/x", fresh, ""))
	if a := i.call("POST", "/auth/check", fresh, ""); a.Field("valid") != "true" {
		t.Errorf("a session_key that was sealed anew: %v", a)
	}
}

func TestABrokenFileIsRefusedWhole(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(nil)
	token := i.login("alice")
	const good = "wxgate_config_last_reload_successful"
	if got := i.metric(good); got != "1" {
		t.Fatalf("at the start %s is %q", good, got)
	}
	// The first route would do; the second is wrong.
	i.rewrite(env.config(settings{"routes": "[" + env.route("/v2/", "") + ", {path: /v3/, upstreams: [http://x], auth: sometimes}]"}))
	testkit.Eventually(t, "the reload is refused", func() bool { return i.metric(good) == "0" })
	if a := i.call("GET", "/v2/x", token, ""); a.Code() != "no_route" {
		t.Errorf("half of a refused file is in force: %v", a)
	}
	seenByBackend(t, i.call("GET", "/api/x", token, ""))
	testkit.Eventually(t, "the log says why", func() bool { return len(i.logged("config refused, keeping the previous configuration")) == 1 })
	problem, _ := i.logged("config refused, keeping the previous configuration")[0]["problem"].(string)
	if !strings.Contains(problem, "routes[1].auth") || !strings.Contains(problem, i.file+":") {
		t.Errorf("the log says %q", problem)
	}
	if got := i.metric(`wxgate_config_reloads_total{outcome="refused"}`); got != "1" {
		t.Errorf("one file was refused %s times", got)
	}
	i.reload(settings{"routes": "[" + env.route("/v2/", "") + "]"})
	if got := i.metric(good); got != "1" {
		t.Errorf("once it is mended %s is %s", good, got)
	}
	seenByBackend(t, i.call("GET", "/v2/x", token, ""))
}

func TestNothingInFlightIsCutByAReload(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(nil)
	token := i.login("alice")
	stream, socket := i.openEvents(token), i.openSocket(token)
	slow := make(chan testkit.Response, 1)
	go func() { slow <- i.call("GET", "/api/slow", token, "") }()
	<-env.backend.arrived

	// The route they run on goes, and its upstreams with it; more follow.
	other := newBackend(t)
	i.reload(settings{"routes": fmt.Sprintf("[{path: /v2/, upstreams: [%q]}]", other.URL)})
	if a := i.call("GET", "/api/x", token, ""); a.Code() != "no_route" {
		t.Fatalf("after the reload: %v", a)
	}
	i.reload(settings{"secrets": "[" + freshSecret + ", " + goodSecret + "]", "session": "{cache_ttl: 1s}"})
	stream.flow(t)
	if !socket.echoes() {
		t.Error("the socket was cut")
	}
	close(env.backend.release)
	if a := <-slow; a.Status != http.StatusOK || string(a.Body) != "done" {
		t.Errorf("the slow request: %v", a)
	}
	// They are still the session's: its end cuts them.
	if a := i.call("POST", "/auth/logout", token, ""); a.Status != http.StatusNoContent {
		t.Fatalf("logout: %v", a)
	}
	testkit.Eventually(t, "the stream and the socket are cut", func() bool { return stream.isClosed() && socket.isClosed() })
}

func TestNoRequestFailsWhileFilesChange(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(nil)
	token := i.login("alice")
	stop := make(chan struct{})
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for !isClosed(stop) {
				if a, err := i.try("GET", i.public+"/api/x", token, ""); err != nil || a.Status != http.StatusOK {
					t.Errorf("during reloads: %v, %v", a, err)
					return
				}
			}
		})
	}
	other := newBackend(t)
	for n := range 3 {
		url := []string{env.backend.URL, other.URL}[n%2]
		i.reload(settings{"routes": fmt.Sprintf("[{path: /api/, upstreams: [%q], retries: %d}]", url, n)})
	}
	close(stop)
	workers.Wait()
}

// SIGHUP reaches every gateway of the process, so that this test is alone.
func TestSIGHUPReloadsAnUnchangedFile(t *testing.T) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP) // or it would end the tests, should no gateway take it
	defer signal.Stop(hup)
	i := newTestEnv(t).serve(nil)
	testkit.Must(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
	testkit.Eventually(t, "the file is applied again", func() bool { return len(i.logged("config applied")) == 1 })
	if got := i.metric(`wxgate_config_reloads_total{outcome="applied"}`); got != "1" {
		t.Errorf("%s reloads", got)
	}
}

func TestAChangeThatNeedsARestartIsToldAndLeftOut(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(nil)
	i.reload(settings{"listen": `"127.0.0.1:1"`, "redis": `{addrs: ["127.0.0.1:1"]}`, "log": "{format: console}",
		"limits": `{login_per_ip: "", max_header: 64KiB}`, "routes": "[" + env.route("/v2/", "") + "]"})
	seenByBackend(t, i.call("GET", "/v2/x", i.login("alice"), ""))
	told := func() map[any]bool {
		keys := map[any]bool{}
		for _, line := range i.logged("this change takes effect at the next start") {
			keys[line["key"]] = true
		}
		return keys
	}
	testkit.Eventually(t, "the keys are told", func() bool { return len(told()) == 4 })
	if keys := told(); !keys["listen"] || !keys["redis"] || !keys["log.format"] || !keys["limits.max_header"] {
		t.Errorf("told: %v", keys)
	}
}

func TestASecretsFileThatChangesReloads(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	key := t.TempDir() + "/secret"
	write(t, key, goodSecret, 0o600)
	i := env.serve(settings{"secrets": `["${file:` + key + `}"]`})
	token := i.login("alice")
	write(t, key+".new", freshSecret, 0o600)
	testkit.Must(t, os.Rename(key+".new", key))
	testkit.Eventually(t, "the file is applied", func() bool { return len(i.logged("config applied")) == 1 })
	if a := i.call("GET", "/api/x", token, ""); a.Code() != "token_invalid" {
		t.Errorf("under the secret that is gone: %v", a)
	}
}
