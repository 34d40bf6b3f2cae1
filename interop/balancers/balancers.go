// Package balancers starts load balancers in front of gateways, with the files that
// deploy/ has for them: only addresses and paths are put in.
package balancers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"wxgate/internal/testkit"
	"wxgate/interop/rig"
)

// Balancer starts one in front of two gateways and gives its base URL, which is
// HTTPS with the certificate.
type Balancer struct {
	Name  string
	Start func(context.Context, *Site) error
}

// Site is what a balancer is told.
type Site struct {
	*rig.Rig
	Gateways [2]*rig.Gateway
	Cert     *rig.Certificate

	Port *testkit.Port // the balancer's
	Dir  string        // for its own files
}

// NewSite makes a folder and a port for a balancer.
func NewSite(r *rig.Rig, name string, gateways [2]*rig.Gateway, cert *rig.Certificate) (*Site, error) {
	port, err := r.Port()
	if err != nil {
		return nil, err
	}
	s := &Site{Rig: r, Gateways: gateways, Cert: cert, Port: port, Dir: r.Path(fmt.Sprintf("%s-%d", name, port.Number))}
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
