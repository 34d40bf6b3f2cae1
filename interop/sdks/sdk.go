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

// sdk is a WeChat SDK with its settings.
type sdk struct {
	name  string
	npm   string   // name of the npm package; "": the Go SDK
	env   []string // further environment of the driver
	redis bool     // the SDK keeps its access token in Redis
}

// sdks are the SDKs that could be installed from a Go module proxy and from npm. The proxy
// that the project is built with doesn't serve PowerWeChat, weapp, fastwego/miniprogram and
// chanxuehong/wechat.
var sdks = []sdk{
	{name: "silenceper/wechat"},
	{name: "node-easywechat", npm: "node-easywechat"},
	{name: "co-wechat-api", npm: "co-wechat-api"},
	{name: "wechat-api", npm: "wechat-api"},
	{name: "nest-wechat", npm: "nest-wechat"},
}

// version returns the version of the SDK that is installed.
func (b *testbed) version(ctx context.Context, s sdk) (string, error) {
	if s.npm == "" {
		cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Version}}", "github.com/silenceper/wechat/v2")
		cmd.Dir = filepath.Join(b.r.Root, "interop/sdks/silenceper")
		out, err := cmd.Output()
		return strings.TrimPrefix(strings.TrimSpace(string(out)), "v"), err
	}
	return packageVersion(b.npmDir, s.npm)
}

// driver is a process that runs an SDK and makes calls with it on request.
type driver struct{ url string }

// startDriver starts a driver whose SDK calls the API at the base URL api and gets access
// tokens at the base URL tokens. The SDK sends bearer to the gateway only. An empty bearer
// means that it talks to WeChat directly, with the AppSecret.
func (b *testbed) startDriver(ctx context.Context, s sdk, api, tokens, bearer string) (driver, error) {
	cmd := b.driverCommand(s)
	cmd.Env = append(append(os.Environ(), s.env...),
		"APPID="+rig.AppID, "SECRET=any", "API="+api, "TOKENS="+tokens, "BEARER="+bearer, "PUSH_TOKEN="+pushToken, "PUSH_KEY="+pushKey)
	if s.redis {
		addr, err := b.r.Redis(ctx)
		if err != nil {
			return driver{}, err
		}
		cmd.Env = append(cmd.Env, "REDIS="+addr)
	}
	if bearer == "" {
		cmd.Env = append(cmd.Env, "SECRET="+rig.AppSecret)
	}
	b.drivers++
	cmd.Dir = b.r.Path(fmt.Sprintf("sdk%d", b.drivers)) // some SDKs keep the access token in a file there
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

// result is the result of one call, as the SDK returned it.
type result struct {
	Value   string `json:"value"`
	Error   string `json:"error"`
	Errcode int    `json:"errcode"` // 0 when the SDK's error has none
}

// call has the driver make a call. The names of calls are those of the drivers.
func (d driver) call(ctx context.Context, name string, arguments map[string]string) (result, error) {
	var res result
	return res, post(ctx, d.url+"/"+name, arguments, &res)
}

// callTimeout is longer than any SDK should take with servers on this machine.
const callTimeout = 20 * time.Second

// post sends JSON and decodes the JSON of the response, which must be a 200.
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

// packageVersion returns the version of an installed npm package.
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
