// Command image builds the release image from bin/wxgate with buildah, without a daemon and
// without pulling an image, and runs the gateway in it: as an unprivileged user, with the
// health check, and with a login.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wxgate/internal/testkit/process"
	"wxgate/interop/rig"
)

const tag = "localhost/wxgate:interop"

func main() { rig.Main(5*time.Minute, run) }

func run(ctx context.Context, r *rig.Rig) error {
	b := &builder{r: r, options: []string{"--storage-driver", "vfs", "--root", r.Path("containers"), "--runroot", r.Path("run")}}
	if err := b.build(ctx); err != nil {
		return err
	}
	container, err := b.output(ctx, "from", "--pull-never", tag)
	if err != nil {
		return err
	}
	defer b.output(context.WithoutCancel(ctx), "rm", "--all")
	table := rig.NewTable("in the container", "", "")
	for _, c := range []struct {
		name string
		run  func(context.Context, string) (string, bool, error)
	}{
		{"files", b.files}, {"wxgate version", b.version}, {"user", b.user}, {"login, health check, stop", b.serve},
	} {
		text, ok, err := c.run(ctx, container)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		table.Add(c.name, text, r.Check(ok))
	}
	table.Print("the release image")
	return nil
}

// builder runs buildah with its store in the run's folder. Its checks return a text for the
// table and whether the result is right.
type builder struct {
	r       *rig.Rig
	options []string
}

// arguments returns the options of the store and then args.
func (b *builder) arguments(args ...string) []string { return slices.Concat(b.options, args) }

// output runs buildah and returns its trimmed stdout.
func (b *builder) output(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "buildah", b.arguments(args...)...).Output()
	if exit, ok := err.(*exec.ExitError); ok {
		err = fmt.Errorf("buildah %s: %w\n%s", args[0], err, exit.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}

// build builds the image as a release does.
func (b *builder) build(ctx context.Context) error {
	script := filepath.Join(b.r.Root, "scripts", "image")
	args := append([]string{filepath.Join(b.r.Root, "bin", "wxgate"), tag}, b.options[2:]...)
	if out, err := exec.CommandContext(ctx, script, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("scripts/image: %w\n%s", err, out)
	}
	return nil
}

// files lists the files of the image, which must be the binary and the CA certificates.
func (b *builder) files(ctx context.Context, container string) (string, bool, error) {
	root, err := b.output(ctx, "mount", container)
	if err != nil {
		return "", false, err
	}
	var names []string
	var size int64
	err = filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			names = append(names, strings.TrimPrefix(path, root))
			size += info.Size()
		}
		return err
	})
	want := "/etc/ssl/certs/ca-certificates.crt /wxgate"
	return fmt.Sprintf("%s, %s MiB", strings.Join(names, ", "), rig.MiB(size)), strings.Join(names, " ") == want, err
}

func (b *builder) version(ctx context.Context, container string) (string, bool, error) {
	out, err := b.output(ctx, "run", "--isolation", "chroot", container, "--", "/wxgate", "version")
	return out, strings.HasPrefix(out, "wxgate "), err
}

func (b *builder) user(ctx context.Context, container string) (string, bool, error) {
	user, err := b.output(ctx, "inspect", "--type", "container", "--format", "{{.OCIv1.Config.User}}", container)
	return user, user == "65532:65532", err
}

// serve runs the image's own command as its own user with a mounted config, logs a user in
// and runs the health check.
func (b *builder) serve(ctx context.Context, container string) (string, bool, error) {
	g, err := b.r.Gateway(ctx, `routes: [{path: /api/, upstreams: ["http://127.0.0.1:1"]}]`+"\n", nil)
	if err != nil {
		return "", false, err
	}
	g.Stop() // the container uses its config and its addresses
	config := filepath.Join(b.r.Dir, "etc")
	if err := copyConfig(g.ConfigFile(), config); err != nil {
		return "", false, err
	}
	healthURL := "WXGATE_HEALTH_URL=http://" + g.Admin + "/healthz"
	p, err := b.r.Start("container", exec.Command("buildah", b.arguments("run", "--isolation", "chroot", "--volume", config+":/etc/wxgate:ro",
		"--env", healthURL, container, "--", "/wxgate", "serve")...))
	if err != nil {
		return "", false, err
	}
	defer p.Stop()
	if err := p.Listening(ctx, "tcp", g.Address); err != nil {
		return "", false, err
	}
	uid, err := serverUser(p)
	if err != nil {
		return "", false, err
	}
	if _, _, err := g.Login(ctx, http.DefaultClient, "alice"); err != nil {
		return "", false, err
	}
	_, err = b.output(ctx, "run", "--isolation", "chroot", "--env", healthURL, container, "--", "/wxgate", "healthcheck")
	return "ok, running as " + uid, uid == "65532", err
}

// copyConfig copies a config file to dir, readable for the user of the image.
func copyConfig(file, dir string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // the user must be able to enter the parent folder
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config.yaml"), text, 0o644)
}

// serverUser returns the uid of the gateway, which is in the process group of buildah.
func serverUser(p *process.Process) (string, error) {
	out, err := exec.Command("ps", "-eo", "uid=,pgid=,args=").Output()
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		if len(words) == 4 && words[1] == fmt.Sprint(p.PID) && words[2] == "/wxgate" && words[3] == "serve" {
			return words[0], nil
		}
	}
	return "", fmt.Errorf("no wxgate in the process group of %s", p.Name)
}
