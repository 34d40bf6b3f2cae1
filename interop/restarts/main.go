// Command restarts restarts one gateway thirty times while users send GETs and POSTs
// on new and on kept connections: by SIGUSR2, where it hands its listeners to its
// successor, and as systemd does with a socket unit. No request may be refused, reset
// or sent twice. A WebSocket lives through the hand-over until shutdown_timeout.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coder/websocket"

	"wxgate/internal/testkit/process"
	"wxgate/interop/rig"
)

const (
	restarts = 30
	workers  = 3 // of each kind of client and method

	// shutdownTimeout is what the old process gives its sockets.
	shutdownTimeout = 3 * time.Second

	// pause is from a restart to the next.
	pause = 200 * time.Millisecond
)

func main() { rig.Main(15*time.Minute, run) }

func run(ctx context.Context, r *rig.Rig) error {
	table := rig.NewTable("restarted by", "restarts", "requests", "reached the backend twice", "socket lived on for", "", "lost")
	for name, activated := range map[string]bool{"SIGUSR2": false, "socket activation": true} {
		t, err := try(ctx, r, activated)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		good := t.load.Lossless() && t.socketLived > shutdownTimeout-time.Second
		table.Add(name, fmt.Sprint(restarts), fmt.Sprint(t.load.Sent()), fmt.Sprint(t.load.Duplicates()),
			t.socketLived.Round(100*time.Millisecond).String(), r.Check(good), t.load.Failures())
	}
	table.Print("restarts of one gateway under load")
	return nil
}

// restartRun is a gateway that is restarted under load.
type restartRun struct {
	g       *rig.Gateway
	pid     int      // of the process that serves now
	socket  *os.File // that stays open while processes come and go
	program *process.Process
	r       *rig.Rig
	load    *rig.Load

	socketLived time.Duration // from the signal that stopped its process
}

func try(ctx context.Context, r *rig.Rig, activated bool) (*restartRun, error) {
	t := &restartRun{r: r, load: rig.NewLoad()}
	backend := httptest.NewServer(http.HandlerFunc(t.receive))
	defer backend.Close()
	redis, err := r.Redis(ctx)
	if err != nil {
		return nil, err
	}
	t.g, err = r.Gateway(ctx, fmt.Sprintf(`redis: {addrs: [%q]}
shutdown_delay: 0s
shutdown_timeout: %v
routes: [{path: /api/, timeout: 2s, upstreams: [%q]}]
`, redis, shutdownTimeout, backend.URL), nil)
	if err != nil {
		return nil, err
	}
	defer t.endSuccessors()
	t.load.Base, t.pid, t.program = t.g.URL(""), t.g.PID, t.g.Process
	if activated {
		if err := t.activate(ctx); err != nil {
			return nil, err
		}
	}
	if t.load.Token, _, err = t.g.Login(ctx, http.DefaultClient, "alice"); err != nil {
		return nil, err
	}
	restart := t.handOver
	if activated {
		restart = t.restartActivated
	}
	return t, t.run(ctx, restart)
}

// run restarts while the load runs, with a socket open before the first time.
func (t *restartRun) run(ctx context.Context, restart func(context.Context) error) error {
	socket, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(t.load.Base, "http")+"/api/ws", &websocket.DialOptions{
		HTTPHeader: http.Header{"Authorization": {"Bearer " + t.load.Token}},
	})
	if err != nil {
		return err
	}
	defer socket.CloseNow()
	kept := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4 * workers}}
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	defer t.load.Start(ctx, workers, kept, fresh)()
	var open sync.WaitGroup
	defer open.Wait()
	began := time.Now()
	open.Go(func() {
		_, _, _ = socket.Read(ctx) // until it is closed: nothing comes
		t.socketLived = time.Since(began)
	})
	for range restarts {
		if err := restart(ctx); err != nil {
			return err
		}
		if err := rig.Pause(ctx, pause); err != nil {
			return err
		}
	}
	return nil
}

var handingOver = regexp.MustCompile(`"handing over","pid":(\d+)`)

// handOver makes the process that serves hand over to the next.
func (t *restartRun) handOver(ctx context.Context) error {
	before := len(handingOver.FindAllString(t.program.Output(), -1))
	stopped := strings.Count(t.program.Output(), `"draining"`)
	if err := syscall.Kill(t.pid, syscall.SIGUSR2); err != nil {
		return err
	}
	return t.await(ctx, func() bool {
		found := handingOver.FindAllStringSubmatch(t.program.Output(), -1)
		if len(found) == before || strings.Count(t.program.Output(), `"draining"`) == stopped {
			return false
		}
		t.pid, _ = strconv.Atoi(found[before][1])
		return true
	})
}

func (t *restartRun) await(ctx context.Context, done func() bool) error {
	for !done() {
		if err := rig.Pause(ctx, 10*time.Millisecond); err != nil {
			return fmt.Errorf("%w:\n%s", err, t.program.Output())
		}
	}
	return nil
}

func (t *restartRun) endSuccessors() {
	for _, found := range handingOver.FindAllStringSubmatch(t.program.Output(), -1) {
		if pid, err := strconv.Atoi(found[1]); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// restartActivated stops the process and starts the next with the same socket.
func (t *restartRun) restartActivated(ctx context.Context) error {
	if err := t.program.Terminate(ctx); err != nil {
		return err
	}
	if code := t.program.ExitCode(); code != 0 {
		return fmt.Errorf("wxgate ended with status %d:\n%s", code, t.program.Output())
	}
	return t.startActivated(ctx)
}

// startActivated starts a process with the open socket, as systemd does.
func (t *restartRun) startActivated(ctx context.Context) error {
	bin, err := t.r.GatewayBinary(ctx)
	if err != nil {
		return err
	}
	cmd := exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, bin, "serve", "--config", t.g.ConfigFile())
	cmd.Env = append(os.Environ(), "LISTEN_FDS=1", "LISTEN_FDNAMES=public")
	cmd.ExtraFiles = []*os.File{t.socket}
	t.program, err = t.r.Start("wxgate", cmd)
	return err
}

// activate puts a process with a socket of this program's in the place of the one
// that opened its own.
func (t *restartRun) activate(ctx context.Context) error {
	t.program.Stop()
	ln, err := net.Listen("tcp", t.g.Address)
	if err != nil {
		return err
	}
	defer ln.Close() // the copy stays
	if t.socket, err = ln.(*net.TCPListener).File(); err != nil {
		return err
	}
	if err := t.startActivated(ctx); err != nil {
		return err
	}
	return t.await(ctx, func() bool { return strings.Contains(t.program.Output(), `"listening","listener":"public"`) })
}

// receive is the backend.
func (t *restartRun) receive(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/api/ws" {
		echo(w, r)
		return
	}
	t.load.ServeHTTP(w, r)
}

func echo(w http.ResponseWriter, r *http.Request) {
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // it has been answered
	}
	defer socket.CloseNow()
	_, _, _ = socket.Read(r.Context())
}
