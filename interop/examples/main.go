// Command examples starts each backend of examples/ with the command of its README behind
// a gateway, and logs a user in. The backend must respond to the login hook, must see the
// user, and must refuse requests that bypass the gateway, with forged assertions or none.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"wxgate/interop/rig"
)

// examples are the commands of examples/README.md. ADDRESS stands for the address to
// listen on, DIR for a folder for compiled files.
var examples = []struct{ name, command string }{
	{"Go", "go run ./examples/go"},
	{"Java", "javac -d DIR/java examples/java/*.java && java -cp DIR/java Backend"},
	{"Node", "node examples/node/backend.mjs"},
	{"PHP", "php -S ADDRESS examples/php/backend.php"},
	{"Python", "/usr/bin/python3 examples/python/backend.py"}, // the system's Python has the packages
}

func main() { rig.Main(5*time.Minute, run) }

func run(ctx context.Context, r *rig.Rig) error {
	table := rig.NewTable("example", "user and login hook", "spoofed X-OpenID, directly", "wxgate probe", "")
	for _, e := range examples {
		got, err := test(ctx, r, e.name, e.command)
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		ok := got.user == "ok" && got.spoofedStatus == http.StatusForbidden && strings.HasPrefix(got.probe, "ok")
		table.Add(e.name, got.user, fmt.Sprint(got.spoofedStatus), got.probe, r.Check(ok))
	}
	table.Print("example backends behind the gateway")
	return nil
}

// result is how one backend did.
type result struct {
	user          string // "ok", or the backend's response to a logged-in user
	spoofedStatus int    // of a request that bypasses the gateway with an X-OpenID
	probe         string // what `wxgate probe` prints for the route
}

// test starts one backend behind a gateway of its own.
func test(ctx context.Context, r *rig.Rig, name, command string) (got result, err error) {
	port, err := r.Port()
	if err != nil {
		return got, err
	}
	g, err := r.Gateway(ctx, fmt.Sprintf(`identity: {assertion: {header: X-Identity-Assertion}}
hooks: {login: {url: "http://%[1]s/hooks/login", timeout: 10s}}
routes: [{path: /api/hello, name: api, upstreams: ["http://%[1]s"]}]
`, port.Addr()), nil)
	if err != nil {
		return got, err
	}
	if err := start(ctx, r, name, command, port.Addr(), g); err != nil {
		return got, err
	}
	token, openid, err := g.Login(ctx, http.DefaultClient, "alice")
	if err != nil {
		return got, err
	}
	if got.user, err = checkUser(ctx, g, token, openid); err != nil {
		return got, err
	}
	got.spoofedStatus, _, err = get(ctx, "http://"+port.Addr()+"/api/hello", "X-OpenID", openid)
	if err != nil {
		return got, err
	}
	out, _ := g.Probe(ctx) // the exit status follows from the output
	_, got.probe, _ = strings.Cut(strings.TrimSpace(out), "GET /api/hello: ")
	return got, nil
}

// checkUser returns "ok" when the backend sees the user and the user_id that its login hook
// assigned, else its response.
func checkUser(ctx context.Context, g *rig.Gateway, token, openid string) (string, error) {
	status, body, err := get(ctx, g.URL("/api/hello"), "Authorization", "Bearer "+token)
	if err != nil {
		return "", err
	}
	var user struct {
		OpenID string `json:"openid"`
		UserID string `json:"user_id"`
	}
	if json.Unmarshal([]byte(body), &user) == nil && user.OpenID == openid && user.UserID == "u-"+openid {
		return "ok", nil
	}
	return fmt.Sprint(status, " ", body), nil
}

// start runs the command of a backend and waits until it listens.
func start(ctx context.Context, r *rig.Rig, name, command, address string, g *rig.Gateway) error {
	cmd := exec.Command("bash", "-c", strings.NewReplacer("ADDRESS", address, "DIR", r.Dir).Replace(command))
	cmd.Dir = r.Root
	cmd.Env = append(os.Environ(), "LISTEN="+address, "WXGATE_JWKS="+g.URL("/.well-known/jwks.json"), "PYTHONDONTWRITEBYTECODE=1")
	p, err := r.Start(name, cmd)
	if err != nil {
		return err
	}
	return p.Listening(ctx, "tcp", address)
}

func get(ctx context.Context, url, header, value string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set(header, value)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1000))
	return res.StatusCode, string(body), err
}
