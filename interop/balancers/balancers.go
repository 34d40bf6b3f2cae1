// Package balancers starts load balancers in front of gateways, with the files that
// deploy/ has for them: only addresses and paths are put in.
package balancers

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/process"
	"wxgate/interop/rig"
)

// Balancer starts one in front of two targets. It serves HTTPS with the certificate.
type Balancer struct {
	Name  string
	Start func(context.Context, *Site) error
}

// All are those that deploy/ has files for.
var All = []Balancer{Nginx, HAProxy, Caddy, Traefik}

// Target is what requests are sent to, and where its health is asked for.
type Target struct{ Address, Health string }

// Gateways makes targets of gateways.
func Gateways(gateways [2]*rig.Gateway) (targets [2]Target) {
	for i, g := range gateways {
		targets[i] = Target{Address: g.Address, Health: g.Admin}
	}
	return targets
}

// Site is what a balancer is told.
type Site struct {
	*rig.Rig
	Targets [2]Target
	Cert    *rig.Certificate

	Port *testkit.Port // the balancer's
	Dir  string        // for its own files

	process *process.Process
}

// serves reports whether a request gets through. Some listen before they know where to.
func (s *Site) serves(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+"/", nil)
	if err != nil {
		return false
	}
	client := s.Cert.Client()
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode != http.StatusNotFound && res.StatusCode < 500
}

// Log is what the balancer has printed.
func (s *Site) Log() string { return s.process.Output() }

// NewSite makes a folder and a port for a balancer.
func NewSite(r *rig.Rig, name string, targets [2]Target, cert *rig.Certificate) (*Site, error) {
	port, err := r.Port()
	if err != nil {
		return nil, err
	}
	s := &Site{Rig: r, Targets: targets, Cert: cert, Port: port, Dir: r.Path(fmt.Sprintf("%s-%d", name, port.Number))}
	return s, os.MkdirAll(s.Dir, 0o755)
}

// URL is the balancer's address as a base URL.
func (s *Site) URL() string { return "https://" + s.Port.Addr() }

// fill writes a file of deploy/ with some of its text replaced, old and new in turns,
// and gives its path. Text that isn't there is an error: the file has changed.
func (s *Site) fill(from, to string, replace ...string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(s.Root, "deploy", from))
	if err != nil {
		return "", err
	}
	text := string(raw)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			return "", fmt.Errorf("deploy/%s has no %q", from, replace[i])
		}
		text = strings.ReplaceAll(text, replace[i], replace[i+1])
	}
	return s.Write(filepath.Join(filepath.Base(s.Dir), to), text)
}

// port is the port of an address of our own.
func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// run starts the balancer's program and waits until it listens.
func (s *Site) run(ctx context.Context, name string, cmd *exec.Cmd) error {
	var err error
	if s.process, err = s.Rig.Start(name, cmd); err != nil {
		return err
	}
	return s.process.Await(ctx, func() bool { return s.serves(ctx) })
}
