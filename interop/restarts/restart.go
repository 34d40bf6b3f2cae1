package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"wxgate/internal/testkit/process"
	"wxgate/interop/rig"
)

// restartRun is a gateway that is restarted under load.
type restartRun struct {
	g        *rig.Gateway
	pid      int      // of the process that serves now
	listener *os.File // for socket activation; it stays open over all restarts
	program  *process.Process
	r        *rig.Rig
	load     *rig.Load

	socketOpen time.Duration // how long the WebSocket stayed open
}

// test restarts one gateway under load, by SIGUSR2 or by socket activation.
func test(ctx context.Context, r *rig.Rig, activated bool) (*restartRun, error) {
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
	defer t.killSuccessors()
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

// await waits until done returns true.
func (t *restartRun) await(ctx context.Context, done func() bool) error {
	for !done() {
		if err := rig.Pause(ctx, 10*time.Millisecond); err != nil {
			return fmt.Errorf("%w:\n%s", err, t.program.Output())
		}
	}
	return nil
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
		return // Accept has responded
	}
	defer socket.CloseNow()
	_, _, _ = socket.Read(r.Context())
}

// run restarts the gateway under load. A WebSocket is opened before the first restart.
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
	start := time.Now()
	open.Go(func() {
		_, _, _ = socket.Read(ctx) // returns at the close: the backend sends nothing
		t.socketOpen = time.Since(start)
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
