package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"

	"wxgate/internal/testkit/process"
)

const (
	caddyPackage = "github.com/caddyserver/caddy/v2/cmd/caddy"
	caddyVersion = "v2.11.9"

	caddy = "Caddy, forward_auth"
)

const caddyfile = `{
	admin off
	auto_https off
	servers {
		protocols h1
	}
}
http://%s {
	bind 127.0.0.1
	forward_auth %s {
		uri /auth
		copy_headers X-OpenID
	}
	reverse_proxy %s {
		header_up -Authorization
		transport http {
			keepalive_idle_conns_per_host 256
		}
	}
}
`

// startCaddy starts Caddy, which sends a request to the auth service for each request.
func (c *comparison) startCaddy(ctx context.Context, tokens *keys, auth string, service *process.Process) error {
	if !c.wanted(caddy) {
		return nil
	}
	bin, err := c.rig.Install(ctx, caddyPackage, caddyVersion)
	if err != nil {
		return err
	}
	port, err := c.rig.Port()
	if err != nil {
		return err
	}
	file, err := c.rig.Write("Caddyfile", fmt.Sprintf(caddyfile, port.Addr(), auth, c.backend))
	if err != nil {
		return err
	}
	cmd := exec.Command(bin, "run", "--adapter", "caddyfile", "--config", file)
	cmd.Env = append(os.Environ(), "HOME="+c.rig.Dir, "XDG_DATA_HOME="+c.rig.Dir, "XDG_CONFIG_HOME="+c.rig.Dir)
	p, err := c.startPeer(ctx, cmd, &peer{name: caddy, address: port.Addr(), token: tokens.hs256, authenticates: true, identifies: true})
	if err != nil {
		return err
	}
	p.processes = append(p.processes, service)
	return nil
}
