package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// Build compiles a package into the run's folder, once a run, and returns the path of
// the binary. The module is the folder, relative to the repository, of the go.mod that
// selects the versions.
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

// majorVersion is the end of a package path that isn't part of the program's name.
var majorVersion = regexp.MustCompile(`/v[0-9]+$`)

// Install builds a program of the Go module proxy, once, into a folder of .cache named
// after its version, and returns the path of the binary.
func (r *Rig) Install(ctx context.Context, pkg, version string) (string, error) {
	dir := filepath.Join(r.Root, ".cache", "bin", version)
	bin := filepath.Join(dir, path.Base(majorVersion.ReplaceAllString(pkg, "")))
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	fmt.Fprintln(os.Stderr, "building", pkg, "once; this takes minutes")
	cmd := exec.CommandContext(ctx, "go", "install", pkg+"@"+version)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOBIN="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go install %s: %w\n%s", pkg, err, out)
	}
	return bin, nil
}
