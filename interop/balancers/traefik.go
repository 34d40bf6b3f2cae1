package balancers

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Traefik is built from the Go module proxy, in the newest version whose dependencies are
// all there.
var Traefik = Balancer{Name: "Traefik", Start: startTraefik}

const traefikVersion = "v3.6.12"

func startTraefik(ctx context.Context, s *Site) error {
	bin, err := s.buildTraefik(ctx)
	if err != nil {
		return err
	}
	routes, err := s.fill("traefik/wxgate.yaml", "wxgate.yaml",
		"http://10.0.0.11:8080", "http://"+s.Targets[0].Address, "http://10.0.0.12:8080", "http://"+s.Targets[1].Address,
		"port: 9090", "port: "+port(s.Targets[0].Health), // that of the first target for both, as with Caddy
		"/etc/traefik/certs/wxgate.crt", s.Cert.File, "/etc/traefik/certs/wxgate.key", s.Cert.Key)
	if err != nil {
		return err
	}
	config, err := s.fill("traefik/traefik.yaml", "traefik.yaml", ":443", s.Port.Addr(), "/etc/traefik/wxgate.yaml", routes)
	if err != nil {
		return err
	}
	return s.run(ctx, "traefik", exec.Command(bin, "--configfile", config))
}

// buildTraefik builds Traefik once, into .cache. `go install` refuses its module because of
// the replace directives, and the module lacks the files of the dashboard. So the source is
// copied, with an empty dashboard.
func (s *Site) buildTraefik(ctx context.Context) (string, error) {
	dir := filepath.Join(s.Root, ".cache", "bin", traefikVersion)
	bin := filepath.Join(dir, "traefik")
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	fmt.Fprintln(os.Stderr, "building Traefik", traefikVersion, "once; this takes many minutes")
	source, err := moduleSource(ctx, "github.com/traefik/traefik/v3@"+traefikVersion)
	if err != nil {
		return "", err
	}
	work := filepath.Join(s.Dir, "source")
	if err := os.CopyFS(work, os.DirFS(source)); err != nil {
		return "", err
	}
	if _, err := s.Write(filepath.Join(filepath.Base(s.Dir), "source/webui/static/index.html"), ""); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", bin, "./cmd/traefik")
	cmd.Dir, cmd.Env = work, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return bin, nil
}

// moduleSource downloads a module and returns its folder.
func moduleSource(ctx context.Context, module string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", module).Output()
	var found struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &found); jsonErr != nil || found.Error != "" {
		return "", fmt.Errorf("go mod download %s: %v %s", module, err, found.Error)
	}
	return found.Dir, nil
}
