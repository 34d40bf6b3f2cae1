// Command examples starts each backend of examples/ by the command that its README
// gives, puts a gateway before it and logs a user in: the login hook must have been
// answered, the backend must know the user, and must believe nobody who comes past the
// gateway, with forged assertions or none.
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

// examples are the commands of examples/README.md. ADDRESS is where the backend shall
// listen, DIR a folder for what is compiled.
var examples = []struct{ name, command string }{
	{"Go", "go run ./examples/go"},
	{"Java", "javac -d DIR/java examples/java/*.java && java -cp DIR/java Backend"},
	{"Node", "node examples/node/backend.mjs"},
	{"PHP", "php -S ADDRESS examples/php/backend.php"},
	{"Python", "/usr/bin/python3 examples/python/backend.py"}, // the system's, which has its packages
}

func main() { rig.Main(5*time.Minute, run) }

func run(ctx context.Context, r *rig.Rig) error {
	table := rig.NewTable("example", "login hook answered, user known", "past the gateway", "wxgate probe", "")
	for _, e := range examples {
		known, past, probed, err := try(ctx, r, e.name, e.command)
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		table.Add(e.name, known, past, probed, r.Check(known == "yes" && past == "403" && strings.HasPrefix(probed, "ok")))
	}
	table.Print("example backends behind the gateway")
	return nil
}

// try says whether the backend knows the user, what it answers who comes past the
// gateway, and what the probe finds.
func try(ctx context.Context, r *rig.Rig, name, command string) (known, past, probed string, err error) {
	port, err := r.Port()
	if err != nil {
		return "", "", "", err
	}
	g, err := r.Gateway(ctx, fmt.Sprintf(`identity: {assertion: {header: X-Identity-Assertion}}
hooks: {login: {url: "http://%[1]s/hooks/login", timeout: 10s}}
routes: [{path: /api/hello, name: api, upstreams: ["http://%[1]s"]}]
`, port.Addr()), nil)
	if err != nil {
		return "", "", "", err
	}
	if err := start(ctx, r, name, command, port.Addr(), g); err != nil {
		return "", "", "", err
	}
	token, openid, err := g.Login(ctx, http.DefaultClient, "alice")
	if err != nil {
		return "", "", "", err
	}
	status, body, err := get(ctx, g.URL("/api/hello"), "Authorization", "Bearer "+token)
	if err != nil {
		return "", "", "", err
	}
	known = fmt.Sprint(status, " ", body)
	var user struct {
		OpenID string `json:"openid"`
		UserID string `json:"user_id"`
	}
	if json.Unmarshal([]byte(body), &user) == nil && user.OpenID == openid && user.UserID == "u-"+openid {
		known = "yes"
	}
	status, _, err = get(ctx, "http://"+port.Addr()+"/api/hello", "X-OpenID", openid)
	if err != nil {
		return "", "", "", err
	}
	out, _ := g.Probe(ctx) // its status follows from the line
	_, probed, _ = strings.Cut(strings.TrimSpace(out), "GET /api/hello: ")
	return known, fmt.Sprint(status), probed, nil
}

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
