package rig

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"time"

	"wxgate/internal/testkit/process"
)

// The app that every gateway and its simulated WeChat know.
const (
	appID     = "wx00000000000000aa"
	appSecret = "interop-app-secret-0123456789"
)

// Gateway is a `wxgate serve` process with a simulated WeChat.
type Gateway struct {
	*process.Process
	Address string // of the public listener

	sim    string // base URL
	scheme string
}

// Gateway builds and starts wxgate. The config holds what is particular to the
// run: routes at least. With a certificate it serves TLS.
func (r *Rig) Gateway(ctx context.Context, config string, cert *Certificate) (*Gateway, error) {
	bin, err := r.Build(ctx, "", "./cmd/wxgate")
	if err != nil {
		return nil, err
	}
	sim, err := r.Start("sim", exec.Command(bin, "sim", "--listen", "127.0.0.1:0", "--app", appID+"="+appSecret))
	if err != nil {
		return nil, err
	}
	g := &Gateway{scheme: "http"}
	if g.sim, err = sim.Printed(ctx, `listens on (http://[0-9.:]+[0-9])`); err != nil {
		return nil, err
	}
	if cert != nil {
		g.scheme = "https"
		config += fmt.Sprintf("\ntls: {cert_file: %q, key_file: %q}\n", cert.File, cert.Key)
	}
	port, err := r.Port()
	if err != nil {
		return nil, err
	}
	g.Address = port.Addr()
	file, err := r.Write(fmt.Sprintf("config%d.yaml", len(r.processes)), g.base()+config)
	if err != nil {
		return nil, err
	}
	if g.Process, err = r.Start("wxgate", exec.Command(bin, "serve", "--config", file)); err != nil {
		return nil, err
	}
	return g, g.Listening(ctx, "tcp", g.Address)
}

// URL is a path at the public listener.
func (g *Gateway) URL(path string) string { return g.scheme + "://" + g.Address + path }

// base is what every config has in common.
func (g *Gateway) base() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	return fmt.Sprintf(`
listen: %q
admin: {listen: "127.0.0.1:0"}
secrets: [%s]
apps: [{appid: %s, secret: %s}]
wechat: {api_base: %q}
shutdown_timeout: 2s
`, g.Address, base64.StdEncoding.EncodeToString(raw), appID, appSecret, g.sim)
}

// Login logs a user in and gives the token and the openid.
func (g *Gateway) Login(ctx context.Context, client *http.Client, user string) (token, openid string, err error) {
	code, err := post(ctx, client, g.sim+"/sim/code", map[string]string{"user": user})
	if err != nil {
		return "", "", err
	}
	login, err := post(ctx, client, g.URL("/auth/login"), code)
	if err != nil {
		return "", "", err
	}
	token, _ = login["token"].(string)
	openid, err = g.openid(ctx, client, user)
	return token, openid, err
}

// openid asks the simulator who the user is.
func (g *Gateway) openid(ctx context.Context, client *http.Client, user string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.sim+"/sim/users", nil)
	if err != nil {
		return "", err
	}
	var users []struct {
		User   string `json:"user"`
		OpenID string `json:"openid"`
	}
	if err := answer(client, req, &users); err != nil {
		return "", err
	}
	for _, u := range users {
		if u.User == user {
			return u.OpenID, nil
		}
	}
	return "", fmt.Errorf("the simulator knows no %s", user)
}

func post(ctx context.Context, client *http.Client, url string, body any) (map[string]any, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	return fields, answer(client, req, &fields)
}

// answer sends a request and reads the JSON that answers it.
func answer(client *http.Client, req *http.Request, into any) error {
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", req.Method, req.URL.Path, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(into)
}

// Settle waits a moment, so that what has just begun has come to rest.
func Settle(ctx context.Context, pause time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
		return nil
	}
}

// MiB writes bytes as MiB.
func MiB(bytes int64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(bytes)/(1<<20)), ".0")
}
