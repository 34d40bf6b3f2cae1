package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
)

// restartActivated stops the process and starts the next one with the same listener.
func (t *restartRun) restartActivated(ctx context.Context) error {
	if err := t.program.Terminate(ctx); err != nil {
		return err
	}
	if code := t.program.ExitCode(); code != 0 {
		return fmt.Errorf("wxgate exited with status %d:\n%s", code, t.program.Output())
	}
	return t.startActivated(ctx)
}

// startActivated starts a process with the open listener, as systemd does.
func (t *restartRun) startActivated(ctx context.Context) error {
	bin, err := t.r.GatewayBinary(ctx)
	if err != nil {
		return err
	}
	cmd := exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" "$@"`, bin, "serve", "--config", t.g.ConfigFile())
	cmd.Env = append(os.Environ(), "LISTEN_FDS=1", "LISTEN_FDNAMES=public")
	cmd.ExtraFiles = []*os.File{t.listener}
	t.program, err = t.r.Start("wxgate", cmd)
	return err
}

// activate replaces the process, which opened its listener itself, with one that gets the
// listener from this program.
func (t *restartRun) activate(ctx context.Context) error {
	t.program.Stop()
	ln, err := net.Listen("tcp", t.g.Address)
	if err != nil {
		return err
	}
	defer ln.Close() // File has duplicated it
	if t.listener, err = ln.(*net.TCPListener).File(); err != nil {
		return err
	}
	if err := t.startActivated(ctx); err != nil {
		return err
	}
	return t.await(ctx, func() bool { return strings.Contains(t.program.Output(), `"listening","listener":"public"`) })
}
