package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"wxgate/internal/config"
	"wxgate/internal/testkit"
)

// devRun is a running `wxgate dev`.
type devRun struct {
	base   string
	admin  string // base URL of the private listener
	secret string // its token, as printed
	stop   context.CancelFunc
	status chan int
}

// startDev runs `wxgate dev` on a free port until the test ends.
func startDev(t *testing.T) *devRun {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	read, written := io.Pipe()
	d := &devRun{stop: cancel, status: make(chan int, 1)}
	go func() {
		d.status <- run(ctx, []string{"dev", "--listen", "127.0.0.1:0"}, written, io.Discard)
		written.Close()
	}()
	t.Cleanup(cancel)
	printed := regexp.MustCompile(`(?s)Open (http://127\.0\.0\.1:\d+)/ in a browser.* Console: (http://127\.0\.0\.1:\d+)/console/ .* with the token (\S+)\n`)
	lines, text := bufio.NewScanner(read), ""
	for lines.Scan() {
		text += lines.Text() + "\n"
		if found := printed.FindStringSubmatch(text); found != nil {
			d.base, d.admin, d.secret = found[1], found[2], found[3]
			go func() { _, _ = io.Copy(io.Discard, read) }()
			return d
		}
	}
	t.Fatal("dev doesn't print the URL of its page")
	return nil
}

// token logs a user in.
func (d *devRun) token(t *testing.T, user string) string {
	t.Helper()
	_, code := d.call(t, http.MethodPost, "/sim/code", `{"user":"`+user+`"}`, "")
	_, responseBody := d.call(t, http.MethodPost, "/auth/login", string(code), "")
	var login struct{ Token string }
	if err := json.Unmarshal(responseBody, &login); err != nil || login.Token == "" {
		t.Fatalf("%s: %v", responseBody, err)
	}
	return login.Token
}

func (d *devRun) call(t *testing.T, method, path, body, token string) (*http.Response, []byte) {
	t.Helper()
	return d.callAt(t, d.base, method, path, body, token)
}

func (d *devRun) callAt(t *testing.T, base, method, path, body, token string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, text
}

func TestDevServesThePage(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	res, page := d.call(t, http.MethodGet, "/", "", "")
	if res.StatusCode != http.StatusOK || !strings.Contains(string(page), "/playground/app.mjs") {
		t.Errorf("%d: %s", res.StatusCode, page)
	}
	res, sdk := d.call(t, http.MethodGet, "/playground/wxgate-miniprogram.mjs", "", "")
	if res.StatusCode != http.StatusOK || !strings.Contains(string(sdk), "createGateway") {
		t.Errorf("%d with %d bytes", res.StatusCode, len(sdk))
	}
}

func TestDevPrintsTheConsolesURLAndToken(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	for path, token := range map[string]string{"/console/": "", "/api/status": d.secret} {
		if res, text := d.callAt(t, d.admin, http.MethodGet, path, "", token); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", path, res.StatusCode, text)
		}
	}
}

func TestDevForwardsOtherPathsToTheGateway(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	for path, want := range map[string]string{"//api/x": "bad_path", "/api/../x": "bad_path", "/nowhere": "no_route", "/api/x": "token_missing"} {
		if res, _ := d.call(t, http.MethodGet, path, "", ""); res.Header.Get("X-Gateway-Error") != want {
			t.Errorf("%s: %d %q", path, res.StatusCode, res.Header.Get("X-Gateway-Error"))
		}
	}
}

func TestThePlaygroundsEventsHaveEachStepAndNoSecret(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	token := d.token(t, "alice")
	if res, responseBody := d.call(t, http.MethodGet, "/api/hello", "", token); res.StatusCode != http.StatusOK {
		t.Fatalf("%d: %s", res.StatusCode, responseBody)
	}
	seen := d.eventsUntil(t, `"kind":"backend"`, `"kind":"store"`)
	for _, want := range []string{"/sim/code", "/auth/login", "/sns/jscode2session", `"meaning":"session_key","value":"sealed (`, `"X-Openid":["o`} {
		if !strings.Contains(seen, want) {
			t.Errorf("no event contains %s", want)
		}
	}
	_, users := d.call(t, http.MethodGet, "/sim/users", "", "")
	var known []struct {
		SessionKey string `json:"session_key"`
	}
	if err := json.Unmarshal(users, &known); err != nil || len(known) != 1 {
		t.Fatalf("%s: %v", users, err)
	}
	for what, hidden := range map[string]string{"session_key": known[0].SessionKey, "AppSecret": devSecret, "token": token} {
		if strings.Contains(seen, hidden) {
			t.Errorf("an event contains the %s", what)
		}
	}
}

// eventsUntil reads the playground's events until they contain all wanted texts.
func (d *devRun) eventsUntil(t *testing.T, wanted ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.base+"/playground/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var seen strings.Builder
	lines := bufio.NewReader(res.Body)
	for slices.ContainsFunc(wanted, func(text string) bool { return !strings.Contains(seen.String(), text) }) {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("%v after %s", err, seen.String())
		}
		seen.WriteString(line)
	}
	return seen.String()
}

func TestThePlaygroundOpensAWebSocketWithItsToken(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	url := strings.Replace(d.base, "http", "ws", 1) + "/playground/socket/api/ws"
	if _, res, err := websocket.Dial(t.Context(), url, nil); err == nil || res.Header.Get("X-Gateway-Error") != "token_missing" {
		t.Errorf("without a token: %v", err)
	}
	socket, _, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{
		Subprotocols: []string{"echo", "bearer." + d.token(t, "alice")},
		HTTPHeader:   http.Header{"Origin": {d.base}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.CloseNow()
	if err := socket.Write(t.Context(), websocket.MessageText, []byte("你好")); err != nil {
		t.Fatal(err)
	}
	kind, message, err := socket.Read(t.Context())
	if err != nil || kind != websocket.MessageText || string(message) != "你好" {
		t.Errorf("%v %q %v", kind, message, err)
	}
}

func TestTheSampleBackendStreamsTheTime(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(sampleBackend))
	defer server.Close()
	res, err := http.Get(server.URL + "/api/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	line, err := bufio.NewReader(res.Body).ReadString('\n')
	if _, bad := time.Parse(time.TimeOnly, strings.TrimSpace(strings.TrimPrefix(line, "data: "))); err != nil || bad != nil {
		t.Errorf("%q: %v", line, err)
	}
}

func TestDevStopsWhileAnEventStreamIsOpen(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	res, err := http.Get(d.base + "/playground/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	d.stop()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Errorf("the event stream was aborted, not ended: %v", err)
	}
	select {
	case status := <-d.status:
		if status != exitOK {
			t.Errorf("exit status %d", status)
		}
	case <-time.After(20 * time.Second):
		t.Error("dev doesn't stop")
	}
}

func TestServeDoesNotServeThePlayground(t *testing.T) {
	t.Parallel()
	key := strings.TrimSpace(stdoutOf(wxgate(t, "keygen")))
	cfg, err := config.Parse("test", []byte(`listen: "127.0.0.1:0"
secrets: ["`+key+`"]
apps: [{appid: wx0123456789abcdef, secret: some-secret-of-a-test}]
admin: {listen: "127.0.0.1:0"}
routes: [{path: /api/, upstreams: ["http://127.0.0.1:1"]}]
`), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	log := newLogger(io.Discard, cfg.Log)
	defer log.close()
	p, err := assemble(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	l, err := p.listen(p.gateway, &inheritedListeners{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.publicLn.Close()
	defer l.privateLn.Close()
	for _, path := range []string{"/", "/playground/app.mjs", "/playground/events", "/playground/socket/api/ws", "/sim/users", "/sim/code"} {
		w := httptest.NewRecorder()
		l.public.Handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if got := w.Header().Get("X-Gateway-Error"); w.Code != http.StatusNotFound || got != "no_route" {
			t.Errorf("%s: %d %q", path, w.Code, got)
		}
	}
}

// stdoutOf returns the standard output of wxgate.
func stdoutOf(_ int, stdout, _ string) string { return stdout }

// No other file imports the playground or uses a declaration of the files of dev,
// except the command itself in the list of commands: so serve can't serve it.
func TestOnlyDevUsesThePlayground(t *testing.T) {
	t.Parallel()
	ofDev := []string{"dev.go", "devfaults.go", "devservices.go", "loopbackserver.go", "samplebackend.go", "samplepage.go", "samplepush.go"}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	for _, name := range ofDev {
		for _, object := range declarations(parseFile(t, name)) {
			declared[object] = true
		}
	}
	for _, name := range names {
		if slices.Contains(ofDev, name) || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file := parseFile(t, name)
		for _, i := range file.Imports {
			if strings.Contains(i.Path.Value, "/playground") {
				t.Errorf("%s imports %s", name, i.Path.Value)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			id, isName := n.(*ast.Ident)
			if isName && declared[id.Name] && !(name == "main.go" && id.Name == "devCommand") {
				t.Errorf("%s uses %s", name, id.Name)
			}
			return true
		})
	}
}

func parseFile(t *testing.T, name string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// declarations returns the package-level names that a file declares.
func declarations(file *ast.File) (names []string) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				names = append(names, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				names = append(names, specNames(s)...)
			}
		}
	}
	return names
}

func specNames(s ast.Spec) (names []string) {
	switch s := s.(type) {
	case *ast.TypeSpec:
		names = append(names, s.Name.Name)
	case *ast.ValueSpec:
		for _, n := range s.Names {
			names = append(names, n.Name)
		}
	}
	return names
}

func TestDevSuggestsAnotherPortIfItsPortIsInUse(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	status, _, stderr := wxgate(t, "dev", "--listen", ln.Addr().String())
	if status != exitFailed || !strings.Contains(stderr, "choose a free port such as --listen 127.0.0.1:8088") {
		t.Errorf("%d: %s", status, stderr)
	}
}

// setFault switches a fault of the playground on or off.
func (d *devRun) setFault(t *testing.T, name, user string, on bool) {
	t.Helper()
	body := fmt.Sprintf(`{"name":%q,"user":%q,"on":%v}`, name, user, on)
	if res, responseBody := d.call(t, http.MethodPut, "/playground/faults", body, ""); res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", body, res.StatusCode, responseBody)
	}
}

func TestThePlaygroundsFaultsAreInjectedAndRemoved(t *testing.T) {
	t.Parallel()
	login := func(t *testing.T, d *devRun, user string) (*http.Response, []byte) {
		_, code := d.call(t, http.MethodPost, "/sim/code", `{"user":"`+user+`"}`, "")
		return d.call(t, http.MethodPost, "/auth/login", string(code), "")
	}
	for _, c := range []struct {
		fault, user string
		want        string // the error of a login during the fault; "": a call fails instead
	}{
		{"redis", "", "store_unavailable"},
		{"wechat", "", "wechat_unavailable"},
		{"blocked", "alice", "user_blocked"},
		{"banned", "alice", "user_blocked"},
		{"backend", "", ""},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			d := startDev(t)
			token := d.token(t, "bob")
			d.setFault(t, c.fault, c.user, true)
			if c.want == "" {
				res, _ := d.call(t, http.MethodGet, "/api/x", "", token)
				if got := res.Header.Get("X-Gateway-Error"); got != "upstream_error" {
					t.Errorf("a call: %d %q", res.StatusCode, got)
				}
			} else if res, _ := login(t, d, "alice"); res.Header.Get("X-Gateway-Error") != c.want {
				t.Errorf("a login: %d %q", res.StatusCode, res.Header.Get("X-Gateway-Error"))
			}
			d.setFault(t, c.fault, c.user, false)
			testkit.Within(t, 20*time.Second, "the fault is removed", func() bool {
				res, _ := login(t, d, "alice")
				called, _ := d.call(t, http.MethodGet, "/api/x", "", token)
				return res.StatusCode == http.StatusOK && called.StatusCode == http.StatusOK
			})
		})
	}
}

func TestDevPushesAMessageThroughTheGatewayToTheBackend(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	_, responseBody := d.call(t, http.MethodPost, "/sim/push", `{"user":"alice","message":{"MsgType":"text","Content":"你好"}}`, "")
	var result struct {
		Accepted bool
		Reply    string
		Attempts []struct{ Body string }
	}
	if err := json.Unmarshal(responseBody, &result); err != nil || !result.Accepted || !strings.Contains(result.Reply, "收到: 你好") {
		t.Fatalf("%s: %v", responseBody, err)
	}
	if sent := result.Attempts[0].Body; len(result.Attempts) != 1 || strings.Contains(sent, "你好") || !strings.Contains(sent, "Encrypt") {
		t.Errorf("response to WeChat: %s", responseBody)
	}
	_, responseBody = d.call(t, http.MethodPost, "/sim/push", `{"user":"alice","message":{"MsgType":"event","Event":"user_enter_tempsession"}}`, "")
	if err := json.Unmarshal(responseBody, &result); err != nil || !result.Accepted {
		t.Errorf("an event: %s", responseBody)
	}
}

// The playground's script sends a forged push to the app of dev.
func TestThePlaygroundUsesTheAppOfDev(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("playground/static/service.mjs")
	if err != nil || !strings.Contains(string(text), "const app = '"+devApp+"'") {
		t.Errorf("service.mjs doesn't name %s: %v", devApp, err)
	}
}

func TestALoopbackServerStopsWithItsWebSocketsAndRestarts(t *testing.T) {
	t.Parallel()
	l, err := startLoopbackServer(http.HandlerFunc(sampleBackend))
	if err != nil {
		t.Fatal(err)
	}
	defer l.stop()
	url := l.url()
	socket, _, err := websocket.Dial(t.Context(), strings.Replace(url, "http", "ws", 1)+"/api/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.CloseNow()
	l.stop()
	l.stop() // the second call does nothing
	if _, _, err := socket.Read(t.Context()); err == nil {
		t.Error("the socket is still open")
	}
	if _, err := http.Get(url + "/api/x"); err == nil {
		t.Error("it still accepts connections")
	}
	for range 2 {
		if err := l.start(); err != nil {
			t.Fatal(err)
		}
	}
	res, err := http.Get(url + "/api/x")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
}
