package balancers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// Caddy is built from the Go module proxy.
var Caddy = Balancer{Name: "Caddy", Start: startCaddy}

const caddyVersion = "v2.11.9"

// caddyHead replaces the first line of the Caddyfile's site: a certificate of a file, and
// no listener on port 80.
const caddyHead = `{
	admin off
	auto_https disable_redirects
}

https://127.0.0.1:%d {
	bind 127.0.0.1
	tls %s %s`

func startCaddy(ctx context.Context, s *Site) error {
	bin, err := s.Install(ctx, "github.com/caddyserver/caddy/v2/cmd/caddy", caddyVersion)
	if err != nil {
		return err
	}
	// health_port is one for all targets. Both targets are on the same address here, so
	// their health ports differ: Caddy checks that of the first one for both.
	config, err := s.fill("caddy/Caddyfile", "Caddyfile",
		"api.example.com {", fmt.Sprintf(caddyHead, s.Port.Number, s.Cert.File, s.Cert.Key),
		"10.0.0.11:8080", s.Targets[0].Address, "10.0.0.12:8080", s.Targets[1].Address,
		"health_port 9090", "health_port "+port(s.Targets[0].Health))
	if err != nil {
		return err
	}
	cmd := exec.Command(bin, "run", "--adapter", "caddyfile", "--config", config)
	cmd.Env = append(os.Environ(), "HOME="+s.Dir, "XDG_DATA_HOME="+s.Dir, "XDG_CONFIG_HOME="+s.Dir)
	return s.run(ctx, "caddy", cmd)
}
