package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// startGoProxies starts the proxies that are built from Go modules, and the service that
// verifies tokens for them.
func (c *comparison) startGoProxies(ctx context.Context) error {
	if !c.wanted(caddy) && !c.wanted(traefik) && !c.wanted(oauth2Proxy) {
		return nil
	}
	tokens, err := c.writeKeys()
	if err != nil {
		return err
	}
	auth, address, err := c.startSelf(ctx, "auth", tokens.file)
	if err != nil {
		return err
	}
	if err := c.startCaddy(ctx, tokens, address, auth); err != nil {
		return fmt.Errorf("%s: %w", caddy, err)
	}
	if err := c.startTraefik(ctx, tokens, address, auth); err != nil {
		return fmt.Errorf("%s: %w", traefik, err)
	}
	if err := c.startOAuth2Proxy(ctx, tokens, address); err != nil {
		return fmt.Errorf("%s: %w", oauth2Proxy, err)
	}
	return nil
}

// startPeer starts a peer of one process.
func (c *comparison) startPeer(ctx context.Context, cmd *exec.Cmd, p *peer) (*peer, error) {
	started, err := c.rig.Start(filepath.Base(cmd.Path), cmd)
	if err != nil {
		return nil, err
	}
	p.processes = append(p.processes, started)
	c.peers = append(c.peers, p)
	return p, started.Listening(ctx, "tcp", p.address)
}
