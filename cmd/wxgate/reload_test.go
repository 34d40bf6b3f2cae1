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

func TestRoutesAndUpstreamsAreReloaded(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(nil)
	token := i.login("alice")
	backendRequest(t, i.call("GET", "/public/x", "", ""))
	if a := i.call("GET", "/v2/x", token, ""); a.Code() != "no_route" {
		t.Fatalf("before: %v", a)
	}
	other := newBackend(t)
	moved := fmt.Sprintf("{path: /api/, upstreams: [%q], response_headers: {set: {X-Moved: here}}}", other.URL)
	i.reload(settings{"routes": "[" + moved + ", " + env.route("/v2/", "") + "]"})

	if a := i.call("GET", "/v2/x", token, ""); backendRequest(t, a).Header.Get("X-OpenID") != env.user(appA, "alice").OpenID {
		t.Errorf("the new route: %v", a)
	}
	if a := i.call("GET", "/public/x", "", ""); a.Code() != "no_route" {
		t.Errorf("the removed route: %v", a)
	}
	env.backend.Close()
	if a := i.call("GET", "/api/x", token, ""); a.Status != http.StatusOK || a.Header.Get("X-Moved") != "here" {
		t.Errorf("the changed upstream: %v", a)
	}
}

func TestAppsLimitsAndAdminTokensAreReloaded(t *testing.T) {
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
	if a := i.callAdmin("GET", user, adminToken, ""); a.Code() != "token_invalid" {
		t.Errorf("a removed admin token: %v", a)
	}
	if a := i.callAdmin("GET", user, "fresh-"+adminToken, ""); a.Status != http.StatusOK {
		t.Errorf("an added admin token: %v", a)
	}
	// Logins fail with a wrong AppSecret, and succeed again with the right one.
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

	i.reload(settings{"secrets": "[" + freshSecret + ", " + validSecret + "]"})
	backendRequest(t, i.call("GET", "/api/x", old, ""))
	fresh := i.call("POST", "/auth/refresh", old, "").Field("token")
	if a := i.call("POST", "/auth/check", old, ""); a.Field("valid") != "true" {
		t.Errorf("a session_key sealed under the old secret: %v", a)
	}
	if both := string(i.call("GET", "/.well-known/jwks.json", "", "").Body); strings.Count(both, `"kid"`) != 2*strings.Count(keys, `"kid"`) {
		t.Errorf("the old key is no longer published: %s", both)
	}

	i.reload(settings{"secrets": "[" + freshSecret + "]"})
	if a := i.call("GET", "/api/x", old, ""); a.Code() != "token_invalid" {
		t.Errorf("a token under the removed secret: %v", a)
	}
	backendRequest(t, i.call("GET", "/api/x", fresh, ""))
	if a := i.call("POST", "/auth/check", fresh, ""); a.Field("valid") != "true" {
		t.Errorf("a session_key that was sealed again: %v", a)
	}
}

func TestAnInvalidFileChangesNothing(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(nil)
	token := i.login("alice")
	const successful = "wxgate_config_last_reload_successful"
	if got := i.metric(successful); got != "1" {
		t.Fatalf("at the start %s is %q", successful, got)
	}
	// The first route is valid, the second is not.
	i.rewrite(env.config(settings{"routes": "[" + env.route("/v2/", "") + ", {path: /v3/, upstreams: [http://x], auth: sometimes}]"}))
	testkit.Eventually(t, "the reload is refused", func() bool { return i.metric(successful) == "0" })
	if a := i.call("GET", "/v2/x", token, ""); a.Code() != "no_route" {
		t.Errorf("a part of the refused file was applied: %v", a)
	}
	backendRequest(t, i.call("GET", "/api/x", token, ""))
	testkit.Eventually(t, "the reason is logged", func() bool { return len(i.logged("config refused, keeping the previous configuration")) == 1 })
	problem, _ := i.logged("config refused, keeping the previous configuration")[0]["problem"].(string)
	if !strings.Contains(problem, "routes[1].auth") || !strings.Contains(problem, i.file+":") {
		t.Errorf("the log says %q", problem)
	}
	if got := i.metric(`wxgate_config_reloads_total{outcome="refused"}`); got != "1" {
		t.Errorf("one file was refused %s times", got)
	}
	i.reload(settings{"routes": "[" + env.route("/v2/", "") + "]"})
	if got := i.metric(successful); got != "1" {
		t.Errorf("after a valid file %s is %s", successful, got)
	}
	backendRequest(t, i.call("GET", "/v2/x", token, ""))
}

func TestAReloadDoesNotInterruptRequestsInFlight(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(nil)
	token := i.login("alice")
	stream, socket := i.openEvents(token), i.openSocket(token)
	slow := make(chan testkit.Response, 1)
	go func() { slow <- i.call("GET", "/api/slow", token, "") }()
	<-env.backend.arrived

	// Their route is removed with its upstreams, then more reloads follow.
	other := newBackend(t)
	i.reload(settings{"routes": fmt.Sprintf("[{path: /v2/, upstreams: [%q]}]", other.URL)})
	if a := i.call("GET", "/api/x", token, ""); a.Code() != "no_route" {
		t.Fatalf("after the reload: %v", a)
	}
	i.reload(settings{"secrets": "[" + freshSecret + ", " + validSecret + "]", "session": "{cache_ttl: 1s}"})
	stream.awaitMore(t)
	if !socket.echoes() {
		t.Error("the socket was closed")
	}
	close(env.backend.release)
	if a := <-slow; a.Status != http.StatusOK || string(a.Body) != "done" {
		t.Errorf("the slow request: %v", a)
	}
	// They still belong to the session and are closed when it ends.
	if a := i.call("POST", "/auth/logout", token, ""); a.Status != http.StatusNoContent {
		t.Fatalf("logout: %v", a)
	}
	testkit.Eventually(t, "the stream and the socket are closed", func() bool { return stream.isClosed() && socket.isClosed() })
}

func TestNoRequestFailsDuringReloads(t *testing.T) {
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

// The test is not parallel: SIGHUP reaches every gateway in the process.
func TestSIGHUPReloadsAnUnchangedFile(t *testing.T) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP) // without a handler SIGHUP would end the test program
	defer signal.Stop(hup)
	i := newTestEnv(t).serve(nil)
	testkit.Must(t, syscall.Kill(os.Getpid(), syscall.SIGHUP))
	testkit.Eventually(t, "the file is applied again", func() bool { return len(i.logged("config applied")) == 1 })
	if got := i.metric(`wxgate_config_reloads_total{outcome="applied"}`); got != "1" {
		t.Errorf("%s reloads", got)
	}
}

func TestAChangeThatNeedsARestartIsLoggedAndNotApplied(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(nil)
	i.reload(settings{"listen": `"127.0.0.1:1"`, "redis": `{addrs: ["127.0.0.1:1"]}`, "log": "{format: console}",
		"limits": `{login_per_ip: "", max_header: 64KiB}`, "routes": "[" + env.route("/v2/", "") + "]"})
	backendRequest(t, i.call("GET", "/v2/x", i.login("alice"), ""))
	loggedKeys := func() map[any]bool {
		keys := map[any]bool{}
		for _, line := range i.logged("this change takes effect at the next start") {
			keys[line["key"]] = true
		}
		return keys
	}
	testkit.Eventually(t, "the keys are logged", func() bool { return len(loggedKeys()) == 4 })
	if keys := loggedKeys(); !keys["listen"] || !keys["redis"] || !keys["log.format"] || !keys["limits.max_header"] {
		t.Errorf("logged: %v", keys)
	}
}

func TestAChangedSecretFileIsReloaded(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	key := t.TempDir() + "/secret"
	writeFile(t, key, validSecret, 0o600)
	i := env.serve(settings{"secrets": `["${file:` + key + `}"]`})
	token := i.login("alice")
	writeFile(t, key+".new", freshSecret, 0o600)
	testkit.Must(t, os.Rename(key+".new", key))
	testkit.Eventually(t, "the file is applied", func() bool { return len(i.logged("config applied")) == 1 })
	if a := i.call("GET", "/api/x", token, ""); a.Code() != "token_invalid" {
		t.Errorf("a token under the replaced secret: %v", a)
	}
}
