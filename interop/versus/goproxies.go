package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"

	"wxgate/internal/testkit/process"
)

// The proxies from the Go module proxy.
const (
	caddyPackage       = "github.com/caddyserver/caddy/v2/cmd/caddy"
	caddyVersion       = "v2.11.9"
	oauth2ProxyPackage = "github.com/oauth2-proxy/oauth2-proxy/v7"
	oauth2ProxyVersion = "v7.15.6"
	traefikModule      = "github.com/traefik/traefik/v3"
	traefikVersion     = "v3.6.12"
)

const (
	caddy       = "Caddy, forward_auth"
	traefik     = "Traefik, forwardAuth"
	oauth2Proxy = "oauth2-proxy, bearer JWT"
)

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

// startCaddy has it ask the auth service about each request.
func (c *comparison) startCaddy(ctx context.Context, tokens *keys, auth string, service *process.Process) error {
	if !c.wanted(caddy) {
		return nil
	}
	bin, err := c.r.Install(ctx, caddyPackage, caddyVersion)
	if err != nil {
		return err
	}
	port, err := c.r.Port()
	if err != nil {
		return err
	}
	file, err := c.r.Write("Caddyfile", fmt.Sprintf(caddyfile, port.Addr(), auth, c.backend))
	if err != nil {
		return err
	}
	cmd := exec.Command(bin, "run", "--adapter", "caddyfile", "--config", file)
	cmd.Env = append(os.Environ(), "HOME="+c.r.Dir, "XDG_DATA_HOME="+c.r.Dir, "XDG_CONFIG_HOME="+c.r.Dir)
	p, err := c.startPeer(ctx, cmd, &peer{name: caddy, address: port.Addr(), token: tokens.hs256, authenticates: true, identifies: true})
	if err != nil {
		return err
	}
	p.processes = append(p.processes, service)
	return nil
}

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
	bin, err := c.r.InstallFromSource(ctx, traefikModule, traefikVersion, "./cmd/traefik")
	if err != nil {
		return err
	}
	port, err := c.r.Port()
	if err != nil {
		return err
	}
	file, err := c.r.Write("traefik.yaml", fmt.Sprintf(traefikConfig, "`/`", auth, c.backend))
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

// startOAuth2Proxy has it take RS256 tokens, which it verifies by itself: it takes
// no HS256, and asks nobody.
func (c *comparison) startOAuth2Proxy(ctx context.Context, tokens *keys, auth string) error {
	if !c.wanted(oauth2Proxy) {
		return nil
	}
	bin, err := c.r.Install(ctx, oauth2ProxyPackage, oauth2ProxyVersion)
	if err != nil {
		return err
	}
	port, err := c.r.Port()
	if err != nil {
		return err
	}
	_, err = c.startPeer(ctx, exec.Command(bin, "--http-address="+port.Addr(), "--upstream=http://"+c.backend+"/",
		"--provider=oidc", "--skip-oidc-discovery", "--oidc-issuer-url="+issuer, "--oidc-jwks-url=http://"+auth+"/jwks",
		"--login-url="+issuer+"/login", "--redeem-url="+issuer+"/token", "--client-id="+audience, "--client-secret=unused",
		"--cookie-secret=0123456789abcdef0123456789abcdef", "--redirect-url="+issuer+"/callback",
		"--email-domain=*", "--skip-jwt-bearer-tokens", "--bearer-token-login-fallback=false",
		"--request-logging=false", "--auth-logging=false"),
		&peer{name: oauth2Proxy, address: port.Addr(), token: tokens.rs256, authenticates: true})
	return err
}

// startPeer starts a peer of one process.
func (c *comparison) startPeer(ctx context.Context, cmd *exec.Cmd, p *peer) (*peer, error) {
	started, err := c.r.Start(filepath.Base(cmd.Path), cmd)
	if err != nil {
		return nil, err
	}
	p.processes = append(p.processes, started)
	c.peers = append(c.peers, p)
	return p, started.Listening(ctx, "tcp", p.address)
}

// serveAuth is the service that Caddy asks about each request: it does
// the least that such a service can, to verify a JWT. Its time counts as Caddy's.
func serveAuth(file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		fail(err)
	}
	var shared sharedKeys
	if err := json.Unmarshal(text, &shared); err != nil {
		fail(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/auth", shared.authenticate)
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(shared.JWKS)
	})
	listenAndServe(mux)
}
