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

// readyPipe is the name of the descriptor on which a successor reports that it serves.
const readyPipe = "ready"

// handoverLimit is how long a successor may take to serve. One that doesn't is
// killed, and this process goes on serving.
const handoverLimit = 30 * time.Second

// handOver starts this program again with the listeners and waits until the new
// process serves. The file on disk may be another version by then; its config is
// read anew.
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
	cmd := exec.Command(strings.TrimSuffix(program, " (deleted)"), os.Args[1:]...) // a new version was put in place of the running one
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), handoverNames+"="+l.handoverNames())
	if cmd.ExtraFiles, err = files(l.publicLn, l.privateLn); err == nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, writer)
		err = cmd.Start()
	}
	closeAll(cmd.ExtraFiles)
	writer.Close()
	stayNonBlocking(l.publicLn, l.privateLn)
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

// handoverNames names the descriptors in their order.
func (l *listeners) handoverNames() string {
	public := publicListener + "=" + string(l.p.startConfig.Listen)
	if l.shared {
		public += "=" + sharedSocket
	}
	return strings.Join([]string{public, privateListener + "=" + string(l.p.startConfig.Admin.Listen), readyPipe}, ",")
}

// awaitReady waits for the byte that a successor writes; it writes none where it
// ends before.
func awaitReady(ctx context.Context, ready *os.File) error {
	if err := ready.SetReadDeadline(time.Now().Add(handoverLimit)); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = ready.SetReadDeadline(time.Now()) })
	defer stop()
	switch _, err := ready.Read(make([]byte, 1)); {
	case errors.Is(err, io.EOF):
		return errors.New("the new process ended before it served")
	case err != nil:
		return fmt.Errorf("the new process doesn't serve: %w", err)
	}
	return nil
}

// notifyReady tells the process that handed over that this one serves.
func (in *inherited) notifyReady() {
	if in.ready == nil {
		return
	}
	_, _ = in.ready.Write([]byte{1}) // that process may have given up
	in.ready.Close()
}
