package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"wxgate/interop/rig"
)

// sdk is one of those that are run.
type sdk struct {
	name  string
	npm   string   // the package's name; "": Go
	env   []string // a setting that makes a row of its own
	redis bool     // it keeps its token in a Redis of its own
}

// sdks are all that the Go module proxy and npm's registry serve. PowerWeChat, weapp,
// fastwego/miniprogram and chanxuehong/wechat are refused by the proxy that the project
// is built with.
var sdks = []sdk{
	{name: "silenceper/wechat"},
	{name: "node-easywechat", npm: "node-easywechat"},
	{name: "co-wechat-api", npm: "co-wechat-api"},
	{name: "wechat-api", npm: "wechat-api"},
	{name: "nest-wechat", npm: "nest-wechat"},
}

// version of the SDK as its lock file has it.
func (b *testbed) version(ctx context.Context, s sdk) (string, error) {
	if s.npm == "" {
		cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Version}}", "github.com/silenceper/wechat/v2")
		cmd.Dir = filepath.Join(b.r.Root, "interop/sdks/silenceper")
		out, err := cmd.Output()
		return strings.TrimPrefix(strings.TrimSpace(string(out)), "v"), err
	}
	return packageVersion(b.npmDir, s.npm)
}

// driver is an SDK that runs.
type driver struct{ url string }

// start starts an SDK, pointed at WeChat's API and at what gives access tokens. A
// bearer token goes to the gateway alone.
func (b *testbed) start(ctx context.Context, s sdk, api, tokens, bearer string) (driver, error) {
	cmd := b.command(s)
	cmd.Env = environment(append(s.env, "APPID="+rig.AppID, "SECRET=any", "API="+api, "TOKENS="+tokens, "BEARER="+bearer, "PUSH_TOKEN="+pushToken, "PUSH_KEY="+pushKey)...)
	if s.redis {
		addr, err := b.r.Redis(ctx)
		if err != nil {
			return driver{}, err
		}
		cmd.Env = append(cmd.Env, "REDIS="+addr)
	}
	if bearer == "" {
		cmd.Env = append(cmd.Env, "SECRET="+rig.AppSecret) // WeChat straight
	}
	b.started++
	cmd.Dir = b.r.Path(fmt.Sprintf("sdk%d", b.started)) // some keep their token in a file there
	if err := os.Mkdir(cmd.Dir, 0o755); err != nil {
		return driver{}, err
	}
	p, err := b.r.Start("sdk", cmd)
	if err != nil {
		return driver{}, err
	}
	url, err := p.Printed(ctx, `listens on (http://\S+)`)
	return driver{url}, err
}

// result is what an SDK made of a call.
type result struct {
	Value   string `json:"value"`
	Error   string `json:"error"`
	Errcode int    `json:"errcode"` // where the SDK's error has it
}

func (d driver) call(ctx context.Context, name string, arguments map[string]string) (result, error) {
	var res result
	return res, post(ctx, d.url+"/"+name, arguments, &res)
}

// callTimeout is longer than any SDK should take with servers on this machine.
const callTimeout = 20 * time.Second

// post sends JSON and reads JSON.
func post(ctx context.Context, url string, body, into any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(into)
}

// packageVersion is that of an npm package as it is installed.
func packageVersion(dir, name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "node_modules", name, "package.json"))
	if err != nil {
		return "", err
	}
	var about struct {
		Version string `json:"version"`
	}
	return about.Version, json.Unmarshal(text, &about)
}
