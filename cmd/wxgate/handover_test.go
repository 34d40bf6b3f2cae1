package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"wxgate/internal/config"
	"wxgate/internal/testkit"
	osprocess "wxgate/internal/testkit/process"
)

// startActivated starts a gateway as systemd's socket activation does.
func (env *testEnv) startActivated(i *instance, ln net.Listener, pid string) *osprocess.Process {
	env.t.Helper()
	file, err := ln.(*net.TCPListener).File()
	testkit.Must(env.t, err)
	defer file.Close()
	gateway := gatewayCommand("serve", "--config", i.file)
	cmd := exec.Command("/bin/sh", append([]string{"-c", `LISTEN_PID=` + pid + ` exec "$0" "$@"`, gateway.Path}, gateway.Args[1:]...)...)
	cmd.Env = append(gateway.Env, "LISTEN_FDS=1", "LISTEN_FDNAMES=public")
	cmd.ExtraFiles = []*os.File{file}
	p, err := osprocess.Start("wxgate", filepath.Join(env.t.TempDir(), "log"), cmd)
	testkit.Must(env.t, err)
	env.t.Cleanup(p.Kill)
	i.read = p.Output
	return p
}

// While the gateway restarts, connections wait in the socket's accept queue.
func TestSocketActivationQueuesConnectionsDuringARestart(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	defer ln.Close()
	i := env.newInstance(nil) // its config has another address: the socket's is used
	i.public = "http://" + ln.Addr().String()
	p := env.startActivated(i, ln, "$$")
	i.private = i.listening(privateListener)
	testkit.Eventually(t, "ready", func() bool { return i.ready() == http.StatusOK })
	if got := i.listening(publicListener); got != i.public {
		t.Errorf("listens on %s, the socket is %s", got, i.public)
	}
	token := i.login("alice")
	testkit.Must(t, p.Signal(syscall.SIGTERM))
	<-p.Exited()
	i.client.CloseIdleConnections()
	waiting := make(chan testkit.Response, 1)
	go func() {
		a, err := i.try("POST", i.public+"/api/x", token, "an order")
		if err != nil {
			t.Errorf("connected during the restart: %v", err)
		}
		waiting <- a
	}()
	env.startActivated(i, ln, "$$")
	if a := <-waiting; a.Status != http.StatusOK {
		t.Errorf("got %v", a)
	}
}

func TestInheritedSocketsForAnotherProcessAreIgnored(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	defer ln.Close()
	i := env.newInstance(nil)
	env.startActivated(i, ln, "1")
	i.private = i.listening(privateListener)
	testkit.Eventually(t, "ready", func() bool { return i.ready() == http.StatusOK })
	if got := i.listening(publicListener); got == "http://"+ln.Addr().String() {
		t.Errorf("it took the socket %s", got)
	}
	if !strings.Contains(i.read(), `LISTEN_PID is \"1\", not this process`) {
		t.Errorf("no warning is logged:\n%s", i.read())
	}
}

func TestNamesOfInheritedSockets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ fds, names, want, problem string }{
		{"", "", "", ""},
		{"1", "", "public", ""},
		{"1", "wxgate.socket", "public", ""},
		{"1", "private", "private", ""},
		{"2", "wxgate.socket:wxgate-admin.socket", "public private", ""},
		{"2", "private:public", "private public", ""},
		{"2", "public", "public private", ""},
		{"0", "", "", "can be passed"},
		{"3", "a:b:c", "", "can be passed"},
		{"x", "", "", "can be passed"},
	} {
		env := map[string]string{"LISTEN_FDS": c.fds, "LISTEN_FDNAMES": c.names, "LISTEN_PID": "7"}
		names, _, err := inheritedNames(func(name string) string { return env[name] }, 7)
		if strings.Join(names, " ") != c.want || (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%+v: got %v, %v", c, names, err)
		}
	}
}

// A socket that systemd keeps open must not get the filter of emptyAcceptQueue. One that
// a gateway opened belongs to its last owner.
func TestOnlySocketsFromSystemdAreShared(t *testing.T) {
	t.Parallel()
	for name, shared := range map[string]bool{"public": true, "public=:8080": false, "public=:8080=shared": true} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		testkit.Must(t, err)
		file, err := ln.(*net.TCPListener).File()
		testkit.Must(t, err)
		ln.Close()
		in := newInheritedListeners("")
		testkit.Must(t, in.add(name, file))
		in.close()
		if in.shared[publicListener] != shared {
			t.Errorf("%s: shared is %v", name, !shared)
		}
		passed := (&listeners{p: &process{startConfig: &config.Config{Listen: ":8080", Admin: config.Admin{Listen: "127.0.0.1:9090"}}}, shared: shared}).handoverNames()
		if want := map[bool]string{true: "public=:8080=shared,private=127.0.0.1:9090,ready", false: "public=:8080,private=127.0.0.1:9090,ready"}[shared]; passed != want {
			t.Errorf("handoverNames is %s", passed)
		}
	}
}

// killSuccessors kills the processes that a gateway has handed over to.
func (p *program) killSuccessors() {
	for _, line := range p.logged("handing over") {
		if pid, ok := line["pid"].(float64); ok {
			_ = syscall.Kill(int(pid), syscall.SIGKILL)
		}
	}
}

// handOver makes the gateway with this pid hand over, and returns the pid of its
// successor.
func (p *program) handOver(pid int) int {
	p.env.t.Helper()
	before := len(p.logged("handing over"))
	testkit.Must(p.env.t, syscall.Kill(pid, syscall.SIGUSR2))
	testkit.Eventually(p.env.t, "handing over", func() bool { return len(p.logged("handing over")) > before })
	next, _ := p.logged("handing over")[before]["pid"].(float64)
	testkit.Eventually(p.env.t, "the old process stops", func() bool { return len(p.logged("stopped")) > before })
	return int(next)
}

// GET and POST requests on new and on reused connections all succeed during several
// handovers.
func TestAHandoverLosesNoRequest(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	p := env.start(nil)
	t.Cleanup(p.killSuccessors)
	token := p.login("alice")
	stop := make(chan struct{})
	var clients sync.WaitGroup
	var done atomic.Int64
	for n := range 8 {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: n%2 == 0}, Timeout: 20 * time.Second}
		method := []string{"GET", "POST"}[n/2%2]
		clients.Go(func() {
			defer client.CloseIdleConnections()
			for !isClosed(stop) {
				res, err := client.Do(newRequest(t, method, p.public+"/api/x", token))
				if err != nil {
					t.Errorf("lost: %v", err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if res.StatusCode != http.StatusOK {
					t.Errorf("got %d", res.StatusCode)
				}
				done.Add(1)
			}
		})
	}
	pid := p.proc.PID
	for range 3 {
		from := done.Load()
		testkit.Eventually(t, "further responses", func() bool { return done.Load() > from+100 || t.Failed() })
		pid = p.handOver(pid)
	}
	from := done.Load()
	testkit.Eventually(t, "responses of the last process", func() bool { return done.Load() > from+100 || t.Failed() })
	close(stop)
	clients.Wait()
	if p.waitExit() != 0 {
		t.Errorf("the first process ended with %d", p.proc.ExitCode())
	}
}

func TestTheGatewayContinuesAfterAFailedHandover(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	p := env.start(nil)
	t.Cleanup(p.killSuccessors)
	token := p.login("alice")
	writeFile(t, p.file, "listne: x", 0o600)
	for range 2 {
		before := len(p.logged("handing over failed, continuing to serve"))
		testkit.Must(t, p.proc.Signal(syscall.SIGUSR2))
		testkit.Eventually(t, "the handover fails", func() bool { return len(p.logged("handing over failed, continuing to serve")) > before })
		p.client.CloseIdleConnections()
		if a := p.call("GET", "/api/x", token, ""); a.Status != http.StatusOK {
			t.Fatalf("got %v", a)
		}
	}
	testkit.Must(t, p.proc.Signal(syscall.SIGTERM))
	if code := p.waitExit(); code != 0 {
		t.Errorf("status %d:\n%s", code, p.proc.Output())
	}
}

func TestASuccessorListensOnTheAddressOfItsConfig(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	p := env.start(nil)
	t.Cleanup(p.killSuccessors)
	other, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	address := other.Addr().String()
	other.Close()
	writeFile(t, p.file, env.config(settings{"listen": fmt.Sprintf("%q", address)}), 0o600)
	p.handOver(p.proc.PID)
	p.public = "http://" + address
	if a := p.call("GET", "/public/x", "", ""); a.Status != http.StatusOK {
		t.Errorf("got %v", a)
	}
}
