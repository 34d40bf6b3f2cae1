package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
	"wxgate/wechat/wechattest"
)

// The apps, and the tokens of the private listener, of every testEnv.
const (
	appA, appB             = "wx00000000000000aa", "wx00000000000000bb"
	appASecret, appBSecret = "app-a-secret-that-never-shows", "app-b-secret-that-never-shows"
	adminToken             = "admin-token-that-never-shows"
	wechatToken            = "wechat-token-that-never-shows"
	prefetchKey            = "prefetch-key-that-never-shows"
)

// testEnv has the dependencies of a gateway: a real Redis, the simulated WeChat and a
// backend. serve starts gateways that use them.
type testEnv struct {
	t       *testing.T
	redis   *redistest.Server
	sim     *wechattest.Server
	simBase string
	backend *backend
}

func newTestEnv(t *testing.T) *testEnv {
	t.Helper()
	env := &testEnv{t: t, redis: redistest.Start(t), backend: newBackend(t)}
	env.sim = wechattest.New(wechattest.Options{LoginsPerMinute: 100000, Apps: []wechattest.App{
		{ID: appA, Secret: appASecret}, {ID: appB, Secret: appBSecret, NoUnionID: true},
	}})
	base, stop, err := env.sim.Start()
	testkit.Must(t, err)
	t.Cleanup(stop)
	env.simBase = base
	return env
}

// settings are the values of a config file by top-level key.
type settings map[string]string

// config returns a config file for this environment with changes to some keys. A key
// with an empty value is left out.
func (env *testEnv) config(changes settings) string {
	c := settings{
		"listen":  `"127.0.0.1:0"`,
		"secrets": "[" + validSecret + "]",
		"apps": fmt.Sprintf("[{appid: %s, secret: %s, relay: [/wxa/*], prefetch: {key: %s}}, {appid: %s, secret: %s}]",
			appA, appASecret, prefetchKey, appB, appBSecret),
		"wechat":           fmt.Sprintf("{api_base: %q}", env.simBase),
		"redis":            fmt.Sprintf("{addrs: [%q]}", env.redis.Addr),
		"limits":           `{login_per_ip: ""}`,
		"shutdown_delay":   "0s",
		"shutdown_timeout": "10s",
		"admin": fmt.Sprintf(`{listen: "127.0.0.1:0", tokens: [{name: ops, token: %s, scopes: [admin]}, {name: orders, token: %s, scopes: [wechat, token]}]}`,
			adminToken, wechatToken),
		"routes": "[" + env.route("/api/", "") + ", " + env.route("/public/", "auth: none") + "]",
	}
	maps.Copy(c, changes)
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(c)) {
		if c[key] != "" {
			fmt.Fprintf(&text, "%s: %s\n", key, c[key])
		}
	}
	return text.String()
}

// route returns a route to the environment's backend, in YAML.
func (env *testEnv) route(path, more string) string {
	if more != "" {
		more = ", " + more
	}
	return fmt.Sprintf("{path: %s, upstreams: [%q]%s}", path, env.backend.URL, more)
}

// instance is a gateway that was started by its command line.
type instance struct {
	env             *testEnv
	file            string
	public, private string // base URLs
	out, err        *testkit.Buffer
	read            func() string // the log
	client          *http.Client
	cancel          context.CancelFunc
	status          chan int
}

// serve starts a gateway and waits until it is ready.
func (env *testEnv) serve(changes settings) *instance {
	env.t.Helper()
	i := env.serveUnready(changes)
	testkit.Eventually(env.t, "ready", func() bool { return i.ready() == http.StatusOK })
	return i
}

// serveUnready starts a gateway and waits until it listens.
func (env *testEnv) serveUnready(changes settings) *instance {
	env.t.Helper()
	i := env.newInstance(changes)
	ctx, cancel := context.WithCancel(context.Background())
	i.cancel = cancel
	go func() { i.status <- run(ctx, []string{"serve", "--config", i.file}, i.out, i.err) }()
	env.t.Cleanup(i.end)
	i.public = i.listening("public")
	i.private = i.listening("private")
	return i
}

func (env *testEnv) newInstance(changes settings) *instance {
	env.t.Helper()
	i := &instance{
		env: env, file: filepath.Join(env.t.TempDir(), "config.yaml"), out: &testkit.Buffer{}, err: &testkit.Buffer{},
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute},
		status: make(chan int, 1),
	}
	i.read = i.out.String
	writeFile(env.t, i.file, env.config(changes), 0o600)
	return i
}

// end stops the gateway, if it is running, and checks its exit status.
func (i *instance) end() {
	i.cancel()
	i.client.CloseIdleConnections()
	if got := <-i.status; got != exitOK {
		i.env.t.Errorf("serve exited with status %d: %s", got, i.err)
	}
	i.status <- exitOK // for another call
}

// listening reads a listener's base URL from the log.
func (i *instance) listening(name string) string {
	i.env.t.Helper()
	var address string
	testkit.Eventually(i.env.t, "listening on "+name, func() bool {
		for _, line := range i.logged("listening") {
			if line["listener"] == name {
				address, _ = line["address"].(string)
			}
		}
		if len(i.status) > 0 {
			i.env.t.Fatalf("serve has exited: %s", i.err)
		}
		return address != ""
	})
	return "http://" + address
}

// logged returns the log lines with this message.
func (i *instance) logged(message string) []map[string]any {
	var found []map[string]any
	for line := range strings.Lines(i.read()) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil && fields["msg"] == message {
			found = append(found, fields)
		}
	}
	return found
}

// rewrite replaces the config file by rename, as editors do.
func (i *instance) rewrite(text string) {
	i.env.t.Helper()
	writeFile(i.env.t, i.file+".new", text, 0o600)
	testkit.Must(i.env.t, os.Rename(i.file+".new", i.file))
}

// reload changes the config file and waits until it is applied.
func (i *instance) reload(changes settings) {
	i.env.t.Helper()
	before := len(i.logged("config applied"))
	i.rewrite(i.env.config(changes))
	testkit.Eventually(i.env.t, "config applied", func() bool { return len(i.logged("config applied")) > before })
}

// ready returns the status of /readyz; 0 without a response.
func (i *instance) ready() int {
	res, err := i.client.Get(i.private + "/readyz")
	if err != nil {
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

// call sends a request to the public listener.
func (i *instance) call(method, path, token, body string) testkit.Response {
	i.env.t.Helper()
	return i.send(method, i.public+path, token, body)
}

// callAdmin sends a request to the private listener.
func (i *instance) callAdmin(method, path, token, body string) testkit.Response {
	i.env.t.Helper()
	return i.send(method, i.private+path, token, body)
}

func (i *instance) send(method, url, token, body string) testkit.Response {
	i.env.t.Helper()
	a, err := i.try(method, url, token, body)
	testkit.Must(i.env.t, err)
	return a
}

func (i *instance) try(method, url, token, body string) (testkit.Response, error) {
	return testkit.Call(i.client, method, url, token, body)
}

// login logs in a user of app A and returns the token.
func (i *instance) login(name string) string {
	i.env.t.Helper()
	return i.loginTo(appA, name)
}

func (i *instance) loginTo(app, name string) string {
	i.env.t.Helper()
	a := i.call("POST", "/auth/login", "", fmt.Sprintf(`{"appid":%q,"code":%q}`, app, i.env.user(app, name).Code()))
	if a.Status != http.StatusOK {
		i.env.t.Fatalf("login of %s: %v", name, a)
	}
	return a.Field("token")
}

func (env *testEnv) user(app, name string) *wechattest.User {
	env.t.Helper()
	u, err := env.sim.User(app, name)
	testkit.Must(env.t, err)
	return u
}

// metric returns the value of a series, written as on /metrics, with all its labels.
func (i *instance) metric(series string) string {
	i.env.t.Helper()
	for line := range strings.Lines(string(i.callAdmin("GET", "/metrics", "", "").Body)) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// backend is the upstream of the gateways. Below any path, …/slow waits until it is
// released, …/events is an event stream, …/socket echoes bytes after a WebSocket
// handshake, and any other path responds with what the backend received.
type backend struct {
	*httptest.Server
	arrived chan struct{} // one for each request at …/slow
	release chan struct{} // close it, or send to it, to complete the slow requests
}

func newBackend(t *testing.T) *backend {
	b := &backend{arrived: make(chan struct{}, 1000), release: make(chan struct{})}
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch filepath.Base(r.URL.Path) {
	case "slow":
		b.arrived <- struct{}{}
		select {
		case <-b.release:
		case <-r.Context().Done():
		}
		fmt.Fprint(w, "done")
	case "events":
		streamEvents(w, r)
	case "socket":
		echoSocket(w)
	default:
		writeReceived(w, r)
	}
}

func streamEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	ticks := time.NewTicker(20 * time.Millisecond)
	defer ticks.Stop()
	for n := 0; r.Context().Err() == nil; n++ {
		fmt.Fprintf(w, "data: %d\n\n", n)
		_ = http.NewResponseController(w).Flush()
		<-ticks.C
	}
}

func echoSocket(w http.ResponseWriter) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	_, _ = io.Copy(conn, rw)
}

// received is what the backend received of a request.
type received struct {
	Method, Path string
	Header       http.Header
}

func writeReceived(w http.ResponseWriter, r *http.Request) {
	_ = json.NewEncoder(w).Encode(received{r.Method, r.URL.Path, r.Header})
}

// backendRequest decodes the backend's response: the request that it received.
func backendRequest(t *testing.T, a testkit.Response) received {
	t.Helper()
	var s received
	if a.Status != http.StatusOK {
		t.Fatalf("not the backend's response: %v", a)
	}
	a.JSON(t, &s)
	return s
}
