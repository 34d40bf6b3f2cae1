// Package rig is what the interop programs share: a temporary folder, processes
// that are started on loopback and ended with the program, a gateway among
// them, and the table of results.
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
	Root string // of the repository
	Dir  string // for this run's files; gone afterwards

	processes []*process.Process
	ports     []*testkit.Port
	failures  int

	simBase, gatewaySecret string // "": not started, not made
}

// Main runs body with a rig and ends the program: with status 1 where body
// fails, takes longer than limit, or has told of a failure by Check. Whatever it
// started is ended before.
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
	defer r.end()
	if err := body(ctx, r); err != nil {
		return fmt.Errorf("%w%s", err, r.lastLines())
	}
	if r.failures > 0 {
		return fmt.Errorf("%d of the results above are not as they should be%s", r.failures, r.lastLines())
	}
	return ctx.Err()
}

func repository(ctx context.Context) (string, error) {
	file, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(file))), nil
}

// Check counts a failure unless ok, and gives the word for the table.
func (r *Rig) Check(ok bool) string {
	if ok {
		return "ok"
	}
	r.failures++
	return "FAILED"
}

// Path is a file of this run.
func (r *Rig) Path(name string) string { return filepath.Join(r.Dir, name) }

// Write makes a file of this run and gives its path.
func (r *Rig) Write(name, text string) (string, error) {
	path := r.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, []byte(text), 0o644)
}

// Build compiles a program, once, and gives its path. The module is the folder,
// relative to the root, of the go.mod that says which version.
func (r *Rig) Build(ctx context.Context, module, pkg string) (string, error) {
	bin := r.Path(strings.NewReplacer("/", "-", ".", "").Replace(pkg))
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", bin, pkg)
	cmd.Dir = filepath.Join(r.Root, module)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return bin, nil
}
