// Package rig is shared by the interop programs. It makes a temporary folder, starts
// processes on loopback (gateways, the simulated WeChat, Redis) and stops them when the
// program ends, sends load, and prints tables of results.
package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/process"
)

// Rig is one run of an interop program.
type Rig struct {
	Root string // folder of the repository
	Dir  string // folder for this run's files; it is removed at the end

	processes []*process.Process
	ports     []*testkit.Port
	failures  int

	simURL        string // base URL of the simulated WeChat; "": not started yet
	gatewaySecret string // "": not generated yet
}

// Main runs body with a rig, stops everything that was started, and returns. When body
// fails, takes longer than limit, or has reported a failure by Check, it exits with
// status 1 instead.
func Main(limit time.Duration, body func(context.Context, *Rig) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, limit)
	err := run(ctx, body)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "FAILED:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, body func(context.Context, *Rig) error) error {
	root, err := repository(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "wxgate-interop-")
	if err != nil {
		return err
	}
	r := &Rig{Root: root, Dir: dir}
	defer os.RemoveAll(dir)
	defer r.stop()
	if err := body(ctx, r); err != nil {
		return fmt.Errorf("%w%s", err, r.lastLines())
	}
	if r.failures > 0 {
		return fmt.Errorf("%d of the results above are not as they should be%s", r.failures, r.lastLines())
	}
	return ctx.Err()
}

// repository returns the folder of the main module's go.mod.
func repository(ctx context.Context) (string, error) {
	file, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(file))), nil
}

// Check counts a failure unless ok. It returns "ok" or "FAILED", for the table.
func (r *Rig) Check(ok bool) string {
	if ok {
		return "ok"
	}
	r.failures++
	return "FAILED"
}

// Path returns the path of a file in the run's folder.
func (r *Rig) Path(name string) string { return filepath.Join(r.Dir, name) }

// Write writes a file in the run's folder and returns its path.
func (r *Rig) Write(name, text string) (string, error) {
	path := r.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, []byte(text), 0o644)
}
