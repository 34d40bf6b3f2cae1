// Package process runs programs beside a test or an interop program: their
// output is kept, they are awaited, and their children end with them.
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
	// stopWait is how long a program may take to end by itself.
	stopWait = 5 * time.Second

	// readyWait is how long a program may take to be ready, on a machine that is
	// busy with other tests.
	readyWait = 40 * time.Second

	pollEvery = 5 * time.Millisecond
)

// Process is a running program. Its exit is always awaited, so none is left as a
// zombie.
type Process struct {
	Name string
	PID  int

	cmd    *exec.Cmd
	log    string // file that holds what it prints
	exited chan struct{}
}

// Start runs a program. What it prints goes to the file log, which begins empty.
func Start(name, log string, cmd *exec.Cmd) (*Process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = attributes()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{Name: name, PID: cmd.Process.Pid, cmd: cmd, log: log, exited: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(p.exited) }() // the state is read by ExitCode
	return p, nil
}

// Output is what the program has printed.
func (p *Process) Output() string {
	text, _ := os.ReadFile(p.log) // gone with the test's directory
	return string(text)
}

// Exited is closed when the program has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Terminate asks the program to end, its children not, and waits until it has.
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

// ExitCode is the exit status, -1 while it runs and where a signal ended it.
func (p *Process) ExitCode() int {
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	default:
		return -1
	}
}

// Signal sends the program a signal, its children not.
func (p *Process) Signal(sig syscall.Signal) error { return p.cmd.Process.Signal(sig) }

// Stop asks the program and its children to end, and kills what hasn't after
// five seconds.
func (p *Process) Stop() {
	_ = syscall.Kill(-p.PID, syscall.SIGTERM) // fails only when it has ended
	select {
	case <-p.exited:
	case <-time.After(stopWait):
	}
	p.Kill()
}

// Kill ends the program and its children at once, paused or not.
func (p *Process) Kill() {
	_ = syscall.Kill(-p.PID, syscall.SIGKILL) // fails only when all have ended
	<-p.exited
}

// Printed waits for the program to print what the expression matches, and gives
// the first group.
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

// Listening waits until the program takes connections. The network is tcp or
// unix.
func (p *Process) Listening(ctx context.Context, network, address string) error {
	return p.Await(ctx, func() bool {
		conn, err := net.DialTimeout(network, address, time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// Await waits until ready says true. It fails when the program ends before, and
// after 40 seconds.
func (p *Process) Await(ctx context.Context, ready func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	for !ready() {
		select {
		case <-p.exited:
			return fmt.Errorf("%s has ended:\n%s", p.Name, p.Output())
		case <-ctx.Done():
			return fmt.Errorf("%s doesn't get ready: %w\n%s", p.Name, ctx.Err(), p.Output())
		case <-time.After(pollEvery):
		}
	}
	return nil
}
