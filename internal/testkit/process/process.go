// Package process runs child processes for tests and interop programs. It keeps
// their output in a file, waits for their exit, and kills their children with them.
package process

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"time"
)

const (
	// stopLimit is how long Stop waits between SIGTERM and SIGKILL.
	stopLimit = 5 * time.Second

	// readyLimit is how long a program may take to become ready. It is long because
	// the machine may be busy with other tests.
	readyLimit = 40 * time.Second

	pollInterval = 5 * time.Millisecond
)

// Process is a program that was started. A goroutine waits for its exit, so that no
// zombie remains.
type Process struct {
	Name string
	PID  int

	cmd    *exec.Cmd
	log    string // path of the file with its stdout and stderr
	exited chan struct{}
}

// Start starts a program. Its stdout and stderr go to the file log, which is
// truncated first.
func Start(name, log string, cmd *exec.Cmd) (*Process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = sysProcAttr()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{Name: name, PID: cmd.Process.Pid, cmd: cmd, log: log, exited: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(p.exited) }() // ExitCode reports the status
	return p, nil
}

// Output returns what the program has printed so far, or "" when the log file has
// been removed.
func (p *Process) Output() string {
	text, _ := os.ReadFile(p.log)
	return string(text)
}

// Exited returns a channel that is closed when the program has exited.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Terminate sends SIGTERM to the program, not to its children, and waits for its
// exit.
func (p *Process) Terminate(ctx context.Context) error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ExitCode returns the exit status, or -1 while the program runs and when a signal
// ended it.
func (p *Process) ExitCode() int {
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	default:
		return -1
	}
}

// Signal sends a signal to the program, not to its children.
func (p *Process) Signal(sig syscall.Signal) error { return p.cmd.Process.Signal(sig) }

// Stop sends SIGTERM to the program and its children, waits up to five seconds for
// the program's exit, and then kills whatever remains of the process group.
func (p *Process) Stop() {
	_ = syscall.Kill(-p.PID, syscall.SIGTERM) // fails only when all have exited
	select {
	case <-p.exited:
	case <-time.After(stopLimit):
	}
	p.Kill()
}

// Kill sends SIGKILL to the program and its children, which ends stopped ones too,
// and waits for the program's exit.
func (p *Process) Kill() {
	_ = syscall.Kill(-p.PID, syscall.SIGKILL) // fails only when all have exited
	<-p.exited
}

// Printed waits until the program's output matches the regular expression, and
// returns the first submatch.
func (p *Process) Printed(ctx context.Context, expression string) (string, error) {
	re := regexp.MustCompile(expression)
	var found []string
	err := p.Await(ctx, func() bool {
		found = re.FindStringSubmatch(p.Output())
		return found != nil
	})
	if err != nil {
		return "", err
	}
	return found[1], nil
}

// Listening waits until the address accepts connections. The network is tcp or unix.
func (p *Process) Listening(ctx context.Context, network, address string) error {
	return p.Await(ctx, func() bool {
		conn, err := net.DialTimeout(network, address, time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// Await waits until ready returns true. It fails when the program exits first, and
// after 40 seconds.
func (p *Process) Await(ctx context.Context, ready func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	for !ready() {
		select {
		case <-p.exited:
			return fmt.Errorf("%s exited before it was ready:\n%s", p.Name, p.Output())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w\n%s", p.Name, ctx.Err(), p.Output())
		case <-time.After(pollInterval):
		}
	}
	return nil
}
