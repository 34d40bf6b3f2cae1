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

// checkOnlineLines runs check --online and gives its lines about what was tried.
func checkOnlineLines(t *testing.T, config string) (status int, lines, all string) {
	t.Helper()
	status, stdout, stderr := wxgate(t, "check", "--online", "--config", configFile(t, config))
	var tried []string
	for line := range strings.Lines(stdout) {
		for _, thing := range []string{"redis ", "upstream ", "app "} {
			if strings.HasPrefix(line, thing) {
				tried = append(tried, line)
			}
		}
	}
	return status, strings.Join(tried, ""), stdout + stderr
}

// closedPort is an address of this machine where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	defer ln.Close()
	return ln.Addr().String()
}

func TestCheckOnlineTriesEverythingThatTheConfigNames(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	status, lines, all := checkOnlineLines(t, env.config(settings{
		// The same upstream on two routes is tried once.
		"routes": "[" + env.route("/api/", "") + ", " + env.route("/public/", "auth: none") + ", " + env.route("/checked/", "health: {path: /healthz}") + "]",
	}))
	want := "redis ok\n" +
		"upstream " + env.backend.URL + " ok\n" +
		"upstream " + env.backend.URL + " ok\n" + // with the check of its health
		"app " + appA + " ok\n" +
		"app " + appB + " ok\n"
	if status != exitOK || lines != want {
		t.Errorf("%d\n%s", status, all)
	}
	if keys := env.redis.MustDo("KEYS", "*:t:*"); keys != "" {
		t.Errorf("the access tokens of a check were kept: %s", keys)
	}
}

func TestCheckOnlineSaysWhatFails(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	closed := closedPort(t)
	sick := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	defer sick.Close()
	strange := httptest.NewUnstartedServer(http.NotFoundHandler())
	strange.Config.ErrorLog = log.New(io.Discard, "", 0)
	strange.StartTLS() // with a certificate of nobody whom we trust
	defer strange.Close()
	const wrongSecret = "a-wrong-secret-that-never-shows"
	status, lines, all := checkOnlineLines(t, env.config(settings{
		"redis": fmt.Sprintf("{addrs: [%q], password: redis-password-that-never-shows}", closed),
		"apps":  fmt.Sprintf("[{appid: %s, secret: %s}, {appid: wxunknown, secret: x}]", appA, wrongSecret),
		"routes": fmt.Sprintf("[{path: /a/, upstreams: [\"http://%s\", %q]}, {path: /b/, upstreams: [%q], health: {path: /}}]",
			closed, strange.URL, sick.URL),
	}))
	for _, want := range []string{
		"redis failed: ", "upstream http://" + closed + " failed: ", "upstream " + strange.URL + " failed: ",
		"upstream " + sick.URL + " failed: status 503", "app " + appA + " failed: ", "app wxunknown failed: ",
		"the AppSecret is wrong", "WeChat doesn't know this appid",
	} {
		if strings.Count(lines, want) != 1 {
			t.Errorf("%q is not told once", want)
		}
	}
	if status != exitFailed || strings.Count(lines, "\n") != 6 || !strings.HasSuffix(all, "\nwxgate: "+errOnline.Error()+"\n") {
		t.Errorf("status %d\n%s", status, all)
	}
	for _, hidden := range []string{wrongSecret, "redis-password", adminToken, wechatToken, goodSecret} {
		if strings.Contains(all, hidden) {
			t.Errorf("%q shows", hidden)
		}
	}
}

func TestCheckOnlineKnowsARedisThatRefuses(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	guarded := redistest.Options{Password: "right"}.Start(t)
	group := redistest.Options{Password: "right", SentinelPassword: "sentinel"}.Sentinel(t)
	sentinels := func(rest string) string {
		return fmt.Sprintf("{addrs: [%q], master_name: %s, %s}", group.Sentinels[0].Addr, group.Name, rest)
	}
	for options, want := range map[string]string{
		fmt.Sprintf("{addrs: [%q], password: right}", guarded.Addr): "redis ok\n",
		fmt.Sprintf("{addrs: [%q], password: wrong}", guarded.Addr): "redis failed: GET: Redis refuses redis.username or redis.password (WRONGPASS",
		fmt.Sprintf("{addrs: [%q]}", guarded.Addr):                  "redis failed: GET: Redis asks for a password: set redis.password (NOAUTH",
		sentinels("password: right, sentinel_password: sentinel"):   "redis ok\n",
		sentinels("password: right"):                                "redis failed: Sentinel " + group.Sentinels[0].Addr + " asks for a password: set redis.sentinel_password (NOAUTH",
		sentinels("password: right, sentinel_password: right"):      "redis failed: Sentinel " + group.Sentinels[0].Addr + " refuses redis.sentinel_username or redis.sentinel_password (WRONGPASS",
		"{}": "redis ok\n", // the store within the process
	} {
		t.Run(options, func(t *testing.T) {
			t.Parallel()
			if _, lines, _ := checkOnlineLines(t, env.config(settings{"redis": options})); !strings.Contains(lines, want) {
				t.Errorf("got %s", lines)
			}
		})
	}
}

func TestCheckWithoutOnlineAsksNobody(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	status, stdout, _ := wxgate(t, "check", "--config", configFile(t, env.config(nil)))
	if status != exitOK || strings.Contains(stdout, "redis ok") || env.sim.Count("/cgi-bin/stable_token") != 0 {
		t.Errorf("%d\n%s", status, stdout)
	}
}
