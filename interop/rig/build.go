package rig

import (
	"context"
	"encoding/json"
	"errors"
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
	dir := r.installDir(version)
	bin := filepath.Join(dir, path.Base(majorVersion.ReplaceAllString(pkg, "")))
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	fmt.Fprintln(os.Stderr, "building", pkg, "once; this takes minutes")
	_, err := goCommand(ctx, "", "GOBIN="+dir, "install", pkg+"@"+version)
	return bin, err
}

// InstallFromSource is Install for a package of a module with replace directives, which
// go install refuses: it builds in a copy of the module.
func (r *Rig) InstallFromSource(ctx context.Context, module, version, pkg string) (string, error) {
	bin := filepath.Join(r.installDir(version), path.Base(pkg))
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	fmt.Fprintln(os.Stderr, "building", module, "once; this takes minutes")
	out, err := goCommand(ctx, r.Dir, "GOFLAGS=", "mod", "download", "-json", module+"@"+version)
	if err != nil {
		return "", err
	}
	var download struct{ Dir string }
	if err := json.Unmarshal(out, &download); err != nil {
		return "", err
	}
	source := r.Path(path.Base(pkg) + "-source")
	if err := os.CopyFS(source, os.DirFS(download.Dir)); err != nil {
		return "", err
	}
	defer os.RemoveAll(source)
	_, err = goCommand(ctx, source, "GOFLAGS=", "build", "-o", bin, pkg)
	return bin, err
}

func (r *Rig) installDir(version string) string {
	return filepath.Join(r.Root, ".cache", "bin", version)
}

// goCommand runs the go command without cgo, in a folder and with one more environment
// variable, and returns its standard output.
func goCommand(ctx context.Context, dir, variable string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", variable)
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%w\n%s", err, exit.Stderr)
	}
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return out, nil
}
