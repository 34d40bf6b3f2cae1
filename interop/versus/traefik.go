package main

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"

	"wxgate/internal/testkit/process"
)

const (
	traefikModule  = "github.com/traefik/traefik/v3"
	traefikVersion = "v3.6.12"

	traefik = "Traefik, forwardAuth"
)

const traefikConfig = `
http:
  routers:
    all: {rule: PathPrefix(%s), middlewares: [auth, drop-token], service: backend}
  middlewares:
    auth: {forwardAuth: {address: "http://%s/auth", authResponseHeaders: [X-OpenID]}}
    drop-token: {headers: {customRequestHeaders: {Authorization: ""}}}
  services:
    backend: {loadBalancer: {serversTransport: keep-alive, servers: [{url: "http://%s"}]}}
  serversTransports:
    keep-alive: {maxIdleConnsPerHost: 256}
`

// startTraefik starts Traefik, which sends a request to the auth service for each request.
func (c *comparison) startTraefik(ctx context.Context, tokens *keys, auth string, service *process.Process) error {
	if !c.wanted(traefik) {
		return nil
	}
	bin, err := c.rig.InstallFromSource(ctx, traefikModule, traefikVersion, "./cmd/traefik")
	if err != nil {
		return err
	}
	port, err := c.rig.Port()
	if err != nil {
		return err
	}
	file, err := c.rig.Write("traefik.yaml", fmt.Sprintf(traefikConfig, "`/`", auth, c.backend))
	if err != nil {
		return err
	}
	p, err := c.startPeer(ctx, exec.Command(bin, "--entryPoints.web.address="+port.Addr(), "--providers.file.filename="+file, "--providers.file.watch=false",
		"--global.checkNewVersion=false", "--global.sendAnonymousUsage=false", "--log.level=ERROR"),
		&peer{name: traefik, address: port.Addr(), token: tokens.hs256, authenticates: true, identifies: true})
	if err != nil {
		return err
	}
	p.processes = append(p.processes, service)
	return p.processes[0].Await(ctx, func() bool { // it listens before it has read its routes
		status, _, err := p.whoami(ctx, p.token)
		return err == nil && status != http.StatusNotFound
	})
}
