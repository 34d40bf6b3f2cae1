package redistest

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// startLimit is how long a process may take to be ready, on a machine that is
// busy with other tests.
const startLimit = 30 * time.Second

var errPortTaken = errors.New("the port is taken")

// process is a running redis-server. Its exit is always awaited, so none is
// left as a zombie.
type process struct {
	cmd    *exec.Cmd
	output *output
	exited chan struct{}
}

// run starts redis-server and returns once it says that it is ready. Its log is
// asked rather than its port, where another process may answer.
func run(args []string) (*process, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("redis-server is not installed, and the tests need a real one: " +
			"`apt-get install redis-server` (Debian, Ubuntu) or `brew install redis` (macOS); `make test` installs it where it may")
	}
	p := &process{
		cmd:    exec.Command(path, args...),
		output: &output{ready: make(chan struct{})},
		exited: make(chan struct{}),
	}
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.SysProcAttr = dieWithParent()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start redis-server: %w", err)
	}
	go func() {
		_ = p.cmd.Wait() // killed, or explained by its log
		close(p.exited)
	}()
	return p, p.awaitReady()
}

func (p *process) awaitReady() error {
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case <-p.output.ready:
		return nil
	case <-p.exited:
		return p.exitError()
	case <-limit.C:
		p.kill()
		return fmt.Errorf("redis-server isn't ready after %v:\n%s", startLimit, p.output)
	}
}

func (p *process) exitError() error {
	log := p.output.String()
	if strings.Contains(log, "Address already in use") {
		return errPortTaken
	}
	return fmt.Errorf("redis-server stopped at its start:\n%s", log)
}

func (p *process) signal(sig syscall.Signal) error { return p.cmd.Process.Signal(sig) }

// kill also ends a process that is paused.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // fails only when it has exited
	<-p.exited
}

// output keeps a process's log and notices when it says that it is ready.
type output struct {
	ready chan struct{}

	mu   sync.Mutex
	text strings.Builder
	said bool
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(b)
	if !o.said && saysReady(o.text.String()) {
		o.said = true
		close(o.ready)
	}
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// saysReady knows the last line that a server and a sentinel print at start.
func saysReady(log string) bool {
	return strings.Contains(log, "eady to accept connections") || strings.Contains(log, "Sentinel ID is ")
}
