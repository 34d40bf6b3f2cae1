// Package balancers starts load balancers with the configuration files of deploy/, in
// which it replaces only addresses and paths.
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

// Balancer is a kind of load balancer.
type Balancer struct {
	Name string
	// Start starts it in front of the site's two targets and waits until it forwards
	// requests. It serves HTTPS with the site's certificate.
	Start func(context.Context, *Site) error
}

// All are the balancers for which deploy/ has files.
var All = []Balancer{Nginx, HAProxy, Caddy, Traefik}

// Target is a server behind a balancer: its address, and that of its health check.
type Target struct{ Address, Health string }

// Gateways returns two gateways as targets, with health checks at their private listeners.
func Gateways(gateways [2]*rig.Gateway) (targets [2]Target) {
	for i, g := range gateways {
		targets[i] = Target{Address: g.Address, Health: g.Admin}
	}
	return targets
}

// Site is one balancer with its targets.
type Site struct {
	*rig.Rig
	Targets [2]Target
	Cert    *rig.Certificate

	Port *testkit.Port // on which the balancer listens
	Dir  string        // folder of the balancer's files

	process *process.Process
}

// serves reports whether the balancer forwards a request to a target. Some balancers
// listen before they have read their routes or checked a target.
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

// Log returns what the balancer has printed.
func (s *Site) Log() string { return s.process.Output() }

// NewSite reserves a port and makes a folder for a balancer. It starts nothing.
func NewSite(r *rig.Rig, name string, targets [2]Target, cert *rig.Certificate) (*Site, error) {
	port, err := r.Port()
	if err != nil {
		return nil, err
	}
	s := &Site{Rig: r, Targets: targets, Cert: cert, Port: port, Dir: r.Path(fmt.Sprintf("%s-%d", name, port.Number))}
	return s, os.MkdirAll(s.Dir, 0o755)
}

// URL returns the balancer's base URL.
func (s *Site) URL() string { return "https://" + s.Port.Addr() }

// fill writes a copy of a file of deploy/ with some of its text replaced and returns its
// path. replace alternates old and new text. Old text that the file doesn't contain is an
// error: the file has changed.
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

// port returns the port of an address.
func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// run starts the balancer's program and waits until it forwards requests.
func (s *Site) run(ctx context.Context, name string, cmd *exec.Cmd) error {
	var err error
	if s.process, err = s.Rig.Start(name, cmd); err != nil {
		return err
	}
	return s.process.Await(ctx, func() bool { return s.serves(ctx) })
}
