// Command image builds the release image from bin/wxgate with buildah, without a daemon
// and without pulling anything, and runs the gateway in it: as nobody, with its health
// check, with a user who logs in.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
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
		try  func(context.Context, string) (string, bool, error)
	}{
		{"files", b.files}, {"wxgate version", b.version}, {"user", b.user}, {"login, health check, stop", b.serve},
	} {
		text, ok, err := c.try(ctx, container)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		table.Add(c.name, text, r.Check(ok))
	}
	table.Print("the release image")
	return nil
}

// builder runs buildah with a store of its own, which ends with the run.
type builder struct {
	r       *rig.Rig
	options []string
}

func (b *builder) command(args ...string) *exec.Cmd {
	return exec.Command("buildah", append(append([]string{}, b.options...), args...)...)
}

func (b *builder) output(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "buildah", append(append([]string{}, b.options...), args...)...)
	out, err := cmd.Output()
	if exit, ok := err.(*exec.ExitError); ok {
		err = fmt.Errorf("buildah %s: %w\n%s", args[0], err, exit.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}

func (b *builder) build(ctx context.Context) error {
	script := filepath.Join(b.r.Root, "scripts", "image")
	args := append([]string{filepath.Join(b.r.Root, "bin", "wxgate"), tag}, b.options[2:]...)
	if out, err := exec.CommandContext(ctx, script, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("scripts/image: %w\n%s", err, out)
	}
	return nil
}

// files lists what the image holds: the binary and the certificates of authorities.
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

// serve runs the image's own command, as its own user, with a config that is mounted.
func (b *builder) serve(ctx context.Context, container string) (string, bool, error) {
	g, err := b.r.Gateway(ctx, `routes: [{path: /api/, upstreams: ["http://127.0.0.1:1"]}]`+"\n", nil)
	if err != nil {
		return "", false, err
	}
	g.Stop() // another program takes its place, with its config
	config := filepath.Join(b.r.Dir, "etc")
	if err := mountable(g.ConfigFile(), config); err != nil {
		return "", false, err
	}
	p, err := b.r.Start("container", b.command("run", "--isolation", "chroot", "--volume", config+":/etc/wxgate:ro",
		"--env", "WXGATE_HEALTH_URL=http://"+g.Admin+"/healthz", container, "--", "/wxgate", "serve"))
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
	_, err = b.output(ctx, "run", "--isolation", "chroot", "--env", "WXGATE_HEALTH_URL=http://"+g.Admin+"/healthz",
		container, "--", "/wxgate", "healthcheck")
	return "ok, running as " + uid, uid == "65532", err
}

// mountable puts a config file where the image looks for it, readable for its user.
func mountable(file, dir string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // the way to it
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config.yaml"), text, 0o644)
}

// serverUser finds the gateway among the processes below buildah and gives its user.
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
	return "", fmt.Errorf("no wxgate among the processes of %s", p.Name)
}
