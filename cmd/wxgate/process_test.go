package main

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"wxgate/internal/testkit"
	osprocess "wxgate/internal/testkit/process"
)

// TestMain runs the gateway if the variable is set: tests of signals and standard output
// start the test program as the gateway's process.
func TestMain(m *testing.M) {
	if os.Getenv("WXGATE_TEST_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

// program is a gateway in a process of its own.
type program struct {
	*instance
	proc *osprocess.Process
}

// gatewayCommand returns a command that runs the test program as wxgate.
func gatewayCommand(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "WXGATE_TEST_MAIN=1")
	return cmd
}

// start starts a gateway in a process of its own. Its addresses are read from the log.
func (env *testEnv) start(changes settings) *program {
	env.t.Helper()
	i := env.newInstance(changes)
	log := i.file + ".log"
	p, err := osprocess.Start("wxgate", log, gatewayCommand("serve", "--config", i.file))
	testkit.Must(env.t, err)
	env.t.Cleanup(p.Kill)
	i.read = p.Output
	i.public, i.private = i.listening("public"), i.listening("private")
	testkit.Eventually(env.t, "ready", func() bool { return i.ready() == http.StatusOK })
	return &program{i, p}
}

// waitExit waits until the process has exited, and returns its status.
func (p *program) waitExit() int {
	p.env.t.Helper()
	select {
	case <-p.proc.Exited():
	case <-time.After(20 * time.Second):
		p.env.t.Fatalf("the process has not exited:\n%s", p.proc.Output())
	}
	return p.proc.ExitCode()
}

func TestASecondSignalEndsTheProcessAtOnce(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		env := newTestEnv(t)
		p := env.start(settings{"shutdown_timeout": "1m", "shutdown_delay": "1m"})
		testkit.Must(t, p.proc.Signal(sig))
		testkit.Eventually(t, "unready", func() bool { return p.ready() == http.StatusServiceUnavailable })
		testkit.Must(t, p.proc.Signal(sig))
		start := time.Now()
		if code := p.waitExit(); code == 0 || time.Since(start) > 5*time.Second {
			t.Errorf("%v twice: status %d after %v", sig, code, time.Since(start))
		}
	}
}

// Load balancers poll /readyz at intervals: requests are accepted until they have seen
// that the gateway is not ready.
func TestShutdownIsAnnouncedBeforeConnectionsAreRefused(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(settings{"shutdown_delay": "2s"})
	token := i.login("alice")
	start := time.Now()
	i.cancel()
	testkit.Eventually(t, "unready", func() bool { return i.ready() == http.StatusServiceUnavailable })
	i.client.CloseIdleConnections()
	for _, method := range []string{"GET", "POST"} {
		res, err := i.client.Do(newRequest(t, method, i.public+"/api/x", token))
		testkit.Must(t, err)
		res.Body.Close()
		if res.StatusCode != http.StatusOK || !res.Close {
			t.Errorf("%s while the shutdown is announced: %d, Connection: close %v", method, res.StatusCode, res.Close)
		}
	}
	i.end()
	if took := time.Since(start); took < 2*time.Second {
		t.Errorf("it took %v", took)
	}
}

func newRequest(t *testing.T, method, url, token string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	testkit.Must(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

func TestOneSignalStopsWithStatus0(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	p := env.start(nil)
	testkit.Must(t, p.proc.Signal(syscall.SIGTERM))
	if code := p.waitExit(); code != 0 || len(p.logged("stopped")) != 1 {
		t.Errorf("status %d:\n%s", code, p.proc.Output())
	}
}

func TestTheFirstLogLineSummarisesTheStart(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(nil)
	first := i.logged("starting")
	if len(first) != 1 || first[0]["version"] == "" || first[0]["config"] != i.file || first[0]["apps"] != 2.0 || first[0]["routes"] != 2.0 ||
		first[0]["store"] != "Redis at "+env.redis.Addr || first[0]["redis_answers"] != true {
		t.Errorf("got %v in\n%s", first, i.out)
	}
	if line, _, _ := strings.Cut(i.out.String(), "\n"); !strings.Contains(line, `"msg":"starting"`) {
		t.Errorf("the log begins with %s", line)
	}
	env.redis.Stop()
	start := time.Now()
	i = env.serveUnready(nil)
	if first := i.logged("starting; Redis does not respond, sessions can't be read until it does"); len(first) != 1 || first[0]["level"] != "error" || time.Since(start) > 3*time.Second {
		t.Errorf("without Redis, after %v: %v in\n%s", time.Since(start), first, i.out)
	}
	i = env.serve(settings{"redis": "{}"})
	if first := i.logged("starting; sessions are stored in this process, lost when it stops, and not shared"); len(first) != 1 || first[0]["level"] != "warn" {
		t.Errorf("in-process store: %v in\n%s", first, i.out)
	}
	if !strings.Contains(i.err.String(), "sessions are stored in this process") {
		t.Errorf("no warning: %s", i.err)
	}
}

func TestCheckEndsWithASummaryLine(t *testing.T) {
	t.Parallel()
	const apps = "apps: [{appid: wx1, secret: a}, {appid: wx2, secret: b}]\n"
	for part, want := range map[string]string{
		"":                          "config ok: 1 app, 1 route, sessions in this process",
		"redis: {addrs: ['r:1']}\n": "config ok: 1 app, 1 route, Redis at r:1",
		apps:                        "config ok: 2 apps, 1 route, sessions in this process",
		"redis: {addrs: ['a:1', 'b:2'], cluster: true}": "config ok: 1 app, 1 route, Redis Cluster at a:1, b:2",
		"redis: {addrs: ['a:1'], master_name: m}":       "config ok: 1 app, 1 route, Redis master m by Sentinel at a:1",
	} {
		status, stdout, _ := wxgate(t, "check", "--config", configFile(t, withRequiredKeys(part)))
		lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
		if status != 0 || lines[len(lines)-1] != want {
			t.Errorf("%s: want %q, got %d and %q", part, want, status, lines[len(lines)-1])
		}
	}
}
