package balancers

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
)

// HAProxy is that of the system's packages.
var HAProxy = Balancer{Name: "HAProxy", Start: startHAProxy}

func startHAProxy(ctx context.Context, s *Site) error {
	cert, key, err := s.Cert.PEM()
	if err != nil {
		return err
	}
	pem := filepath.Join(s.Dir, "wxgate.pem")
	if err := os.WriteFile(pem, append(cert, key...), 0o600); err != nil {
		return err
	}
	config, err := s.fill("haproxy/haproxy.cfg", "haproxy.cfg",
		"maxconn 20000", "maxconn 1000", // HAProxy refuses to start when the limit of descriptors is too low for it
		"bind :443", "bind "+s.Port.Addr(), "/etc/haproxy/certs/wxgate.pem", pem,
		"10.0.0.11:8080 check port 9090", serverOptions(s.Targets[0]), "10.0.0.12:8080 check port 9090", serverOptions(s.Targets[1]))
	if err != nil {
		return err
	}
	return s.run(ctx, "haproxy", exec.Command("haproxy", "-f", config))
}

func serverOptions(t Target) string { return t.Address + " check port " + port(t.Health) }
