package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"go.uber.org/zap"
)

// readyPipe is the name of the descriptor on which a successor reports that it
// serves.
const readyPipe = "ready"

// handoverTimeout is how long a successor may take until it serves. After that it
// is killed, and this process continues to serve.
const handoverTimeout = 30 * time.Second

// handOver starts a successor, a new process of this program that inherits the
// listeners, and waits until it serves. The program file may have been replaced by
// another version; the successor reads the config file itself.
func (l *listeners) handOver(ctx context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	ready, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	cmd := exec.Command(strings.TrimSuffix(program, " (deleted)"), os.Args[1:]...) // Linux adds the suffix once the file has been replaced
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), handoverNames+"="+l.handoverNames())
	if cmd.ExtraFiles, err = listenerFiles(l.publicLn, l.privateLn); err == nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, writer)
		err = cmd.Start()
	}
	closeAll(cmd.ExtraFiles)
	writer.Close()
	restoreNonBlocking(l.publicLn, l.privateLn)
	if err != nil {
		return err
	}
	l.p.log.Info("handing over", zap.Int("pid", cmd.Process.Pid))
	if err := awaitReady(ctx, ready); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return err
	}
	return cmd.Process.Release()
}

// handoverNames returns the value of WXGATE_HANDOVER: the names of the passed
// descriptors in their order.
func (l *listeners) handoverNames() string {
	public := publicListener + "=" + string(l.p.startConfig.Listen)
	if l.shared {
		public += "=" + sharedSocket
	}
	return strings.Join([]string{public, privateListener + "=" + string(l.p.startConfig.Admin.Listen), readyPipe}, ",")
}

// awaitReady waits for the byte that a successor writes when it serves. EOF means
// that it exited before.
func awaitReady(ctx context.Context, ready *os.File) error {
	if err := ready.SetReadDeadline(time.Now().Add(handoverTimeout)); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = ready.SetReadDeadline(time.Now()) })
	defer stop()
	switch _, err := ready.Read(make([]byte, 1)); {
	case errors.Is(err, io.EOF):
		return errors.New("the new process exited before it served")
	case err != nil:
		return fmt.Errorf("the new process doesn't serve: %w", err)
	}
	return nil
}

// notifyReady reports to the process that is handing over that this one serves.
func (in *inheritedListeners) notifyReady() {
	if in.ready == nil {
		return
	}
	_, _ = in.ready.Write([]byte{1}) // fails if the other process has stopped waiting
	in.ready.Close()
}
