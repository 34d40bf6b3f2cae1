package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
)

// checkOnlineLines runs check --online and returns the lines of its results.
func checkOnlineLines(t *testing.T, config string) (status int, lines, all string) {
	t.Helper()
	status, stdout, stderr := wxgate(t, "check", "--online", "--config", configFile(t, config))
	var results []string
	for line := range strings.Lines(stdout) {
		for _, prefix := range []string{"redis ", "upstream ", "app "} {
			if strings.HasPrefix(line, prefix) {
				results = append(results, line)
			}
		}
	}
	return status, strings.Join(results, ""), stdout + stderr
}

// closedPort returns a loopback address without a listener.
func closedPort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	defer ln.Close()
	return ln.Addr().String()
}

func TestCheckOnlineTestsEveryDependency(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	status, lines, all := checkOnlineLines(t, env.config(settings{
		// The same upstream on two routes is tested once.
		"routes": "[" + env.route("/api/", "") + ", " + env.route("/public/", "auth: none") + ", " + env.route("/checked/", "health: {path: /healthz}") + "]",
	}))
	want := "redis ok\n" +
		"upstream " + env.backend.URL + " ok\n" +
		"upstream " + env.backend.URL + " ok\n" + // with its health check
		"app " + appA + " ok\n" +
		"app " + appB + " ok\n"
	if status != exitOK || lines != want {
		t.Errorf("%d\n%s", status, all)
	}
	if keys := env.redis.MustDo("KEYS", "*:t:*"); keys != "" {
		t.Errorf("the access tokens of a check were stored: %s", keys)
	}
}

func TestCheckOnlineReportsFailures(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	closed := closedPort(t)
	unhealthy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	defer unhealthy.Close()
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS() // with a certificate of an unknown CA
	defer untrusted.Close()
	const wrongSecret = "a-wrong-secret-that-never-shows"
	status, lines, all := checkOnlineLines(t, env.config(settings{
		"redis": fmt.Sprintf("{addrs: [%q], password: redis-password-that-never-shows}", closed),
		"apps":  fmt.Sprintf("[{appid: %s, secret: %s}, {appid: wxunknown, secret: x}]", appA, wrongSecret),
		"routes": fmt.Sprintf("[{path: /a/, upstreams: [\"http://%s\", %q]}, {path: /b/, upstreams: [%q], health: {path: /}}]",
			closed, untrusted.URL, unhealthy.URL),
	}))
	for _, want := range []string{
		"redis failed: ", "upstream http://" + closed + " failed: ", "upstream " + untrusted.URL + " failed: ",
		"upstream " + unhealthy.URL + " failed: status 503", "app " + appA + " failed: ", "app wxunknown failed: ",
		"the AppSecret is wrong", "WeChat doesn't know this appid",
	} {
		if strings.Count(lines, want) != 1 {
			t.Errorf("%q is not reported once", want)
		}
	}
	if status != exitFailed || strings.Count(lines, "\n") != 6 || !strings.HasSuffix(all, "\nwxgate: "+errOnline.Error()+"\n") {
		t.Errorf("status %d\n%s", status, all)
	}
	for _, hidden := range []string{wrongSecret, "redis-password", adminToken, wechatToken, validSecret} {
		if strings.Contains(all, hidden) {
			t.Errorf("the output contains %q", hidden)
		}
	}
}

func TestCheckOnlineReportsRefusedRedisCredentials(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	protected := redistest.Options{Password: "right"}.Start(t)
	group := redistest.Options{Password: "right", SentinelPassword: "sentinel"}.Sentinel(t)
	sentinels := func(rest string) string {
		return fmt.Sprintf("{addrs: [%q], master_name: %s, %s}", group.Sentinels[0].Addr, group.Name, rest)
	}
	for options, want := range map[string]string{
		fmt.Sprintf("{addrs: [%q], password: right}", protected.Addr): "redis ok\n",
		fmt.Sprintf("{addrs: [%q], password: wrong}", protected.Addr): "redis failed: GET: Redis refuses redis.username or redis.password (WRONGPASS",
		fmt.Sprintf("{addrs: [%q]}", protected.Addr):                  "redis failed: GET: Redis asks for a password: set redis.password (NOAUTH",
		sentinels("password: right, sentinel_password: sentinel"):     "redis ok\n",
		sentinels("password: right"):                                  "redis failed: Sentinel " + group.Sentinels[0].Addr + " asks for a password: set redis.sentinel_password (NOAUTH",
		sentinels("password: right, sentinel_password: right"):        "redis failed: Sentinel " + group.Sentinels[0].Addr + " refuses redis.sentinel_username or redis.sentinel_password (WRONGPASS",
		"{}": "redis ok\n", // the in-process store
	} {
		t.Run(options, func(t *testing.T) {
			t.Parallel()
			if _, lines, _ := checkOnlineLines(t, env.config(settings{"redis": options})); !strings.Contains(lines, want) {
				t.Errorf("got %s", lines)
			}
		})
	}
}

func TestCheckWithoutOnlineOpensNoConnection(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	status, stdout, _ := wxgate(t, "check", "--config", configFile(t, env.config(nil)))
	if status != exitOK || strings.Contains(stdout, "redis ok") || env.sim.Count("/cgi-bin/stable_token") != 0 {
		t.Errorf("%d\n%s", status, stdout)
	}
}
