package rig

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"

	"wxgate/internal/testkit/process"
)

// The app in the config of every gateway and of the simulated WeChat.
const (
	AppID     = "wx00000000000000aa"
	AppSecret = "interop-app-secret-0123456789"
)

// Gateway is a `wxgate serve` process. All gateways of a run have the same secret and
// the same simulated WeChat. Those with the same Redis share sessions.
type Gateway struct {
	*process.Process
	Address string // of the public listener, host:port
	Admin   string // of the private listener, host:port

	r      *Rig
	bin    string
	file   string // the config
	sim    string // base URL of the simulated WeChat
	scheme string
}

// GatewayBinary returns the path of the wxgate binary: that of the environment variable
// WXGATE, such as an earlier build, or one built from this repository.
func (r *Rig) GatewayBinary(ctx context.Context) (string, error) {
	if bin := os.Getenv("WXGATE"); bin != "" {
		return bin, nil
	}
	return r.Build(ctx, "", "./cmd/wxgate")
}

// Gateway builds and starts wxgate and waits until it is ready. The config needs only
// routes and what differs from the defaults of a run. In an admin section of its own,
// "listen: ADMIN" stands for the private address. With a certificate the public listener
// serves TLS.
func (r *Rig) Gateway(ctx context.Context, config string, cert *Certificate) (*Gateway, error) {
	g := &Gateway{r: r, scheme: "http"}
	var err error
	if g.bin, err = r.GatewayBinary(ctx); err != nil {
		return nil, err
	}
	if g.sim, err = r.Simulator(ctx); err != nil {
		return nil, err
	}
	for _, address := range []*string{&g.Address, &g.Admin} {
		port, err := r.Port()
		if err != nil {
			return nil, err
		}
		*address = port.Addr()
	}
	if cert != nil {
		g.scheme = "https"
		config += fmt.Sprintf("\ntls: {cert_file: %q, key_file: %q}\n", cert.File, cert.Key)
	}
	if g.file, err = r.Write(fmt.Sprintf("config%d.yaml", len(r.processes)), g.completeConfig(config)); err != nil {
		return nil, err
	}
	return g, g.Start(ctx)
}

// GatewayPair starts two gateways with the same config and no TLS.
func (r *Rig) GatewayPair(ctx context.Context, config string) (pair [2]*Gateway, err error) {
	for i := range pair {
		if pair[i], err = r.Gateway(ctx, config, nil); err != nil {
			return pair, err
		}
	}
	return pair, nil
}

// Start starts a gateway that has exited again, at the same addresses, and waits until
// it is ready.
func (g *Gateway) Start(ctx context.Context) error {
	var err error
	if g.Process, err = g.r.Start("wxgate", exec.Command(g.bin, "serve", "--config", g.file)); err != nil {
		return err
	}
	return g.Await(ctx, func() bool { return g.ready(ctx) })
}

// Probe runs `wxgate probe` with the gateway's config file and returns its output.
func (g *Gateway) Probe(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, g.bin, "probe", "--config", g.file).CombinedOutput()
	return string(out), err
}

// Restart sends SIGTERM, waits for the exit, which must be with status 0, and starts the
// gateway again.
func (g *Gateway) Restart(ctx context.Context) error {
	if err := g.Terminate(ctx); err != nil {
		return err
	}
	if code := g.ExitCode(); code != 0 {
		return fmt.Errorf("wxgate exited with status %d:\n%s", code, g.Output())
	}
	return g.Start(ctx)
}

// ready reports whether /readyz responds with 200.
func (g *Gateway) ready(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.Admin+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// URL returns the URL of a path at the public listener.
func (g *Gateway) URL(path string) string { return g.scheme + "://" + g.Address + path }

// ConfigFile returns the path of the gateway's config file.
func (g *Gateway) ConfigFile() string { return g.file }

// completeConfig adds the keys that every config of a run needs, except those that the
// config already has.
func (g *Gateway) completeConfig(config string) string {
	defaults := map[string]string{
		"listen":           fmt.Sprintf("%q", g.Address),
		"admin":            fmt.Sprintf("{listen: %q}", g.Admin),
		"secrets":          "[" + g.r.secret() + "]",
		"apps":             fmt.Sprintf("[{appid: %s, secret: %s}]", AppID, AppSecret),
		"wechat":           fmt.Sprintf("{api_base: %q}", g.sim),
		"shutdown_delay":   "0s",
		"shutdown_timeout": "2s",
	}
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(defaults)) {
		if !strings.Contains("\n"+config, "\n"+key+":") {
			fmt.Fprintf(&text, "%s: %s\n", key, defaults[key])
		}
	}
	return text.String() + strings.ReplaceAll(config, "listen: ADMIN\n", fmt.Sprintf("listen: %q\n", g.Admin))
}

func (r *Rig) secret() string {
	if r.gatewaySecret == "" {
		raw := make([]byte, 32)
		_, _ = rand.Read(raw) // never fails
		r.gatewaySecret = base64.StdEncoding.EncodeToString(raw)
	}
	return r.gatewaySecret
}

// Simulator starts the run's simulated WeChat, once a run, and returns its base URL.
func (r *Rig) Simulator(ctx context.Context) (string, error) {
	if r.simURL != "" {
		return r.simURL, nil
	}
	bin, err := r.GatewayBinary(ctx)
	if err != nil {
		return "", err
	}
	sim, err := r.Start("sim", exec.Command(bin, "sim", "--listen", "127.0.0.1:0", "--app", AppID+"="+AppSecret))
	if err != nil {
		return "", err
	}
	r.simURL, err = sim.Printed(ctx, `listens on (http://[0-9.:]+[0-9])`)
	return r.simURL, err
}

// Redis starts a redis-server without persistence and returns its address.
func (r *Rig) Redis(ctx context.Context) (string, error) {
	port, err := r.Port()
	if err != nil {
		return "", err
	}
	p, err := r.Start("redis", exec.Command("redis-server", "--bind", "127.0.0.1", "--port", fmt.Sprint(port.Number), "--save", "", "--dir", r.Dir))
	if err != nil {
		return "", err
	}
	return port.Addr(), p.Listening(ctx, "tcp", port.Addr())
}
