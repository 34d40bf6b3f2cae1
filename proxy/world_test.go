package proxy_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
	"wxgate/proxy"
	"wxgate/proxy/endpoint"
	"wxgate/proxy/upstream"
	"wxgate/secret"
	"wxgate/session"
	"wxgate/wechat"
	"wxgate/wechat/wechattest"
)

// appID is the app of every test that needs but one.
const (
	appID     = "wx1234567890abcdef"
	appSecret = "app-secret-that-must-never-show"
)

// world is a gateway with everything around it that it meets in production: a
// real Redis, the simulated WeChat, backends on sockets of their own.
type world struct {
	t        testing.TB
	redis    *redistest.Server
	sim      *wechattest.Server
	sessions *session.Store
	wechat   *wechat.Client
	gateway  *proxy.Gateway
	base     string // the public listener's URL
	addr     string // and its address
	logs     *testkit.Buffer
}

// plan is what a test changes of the usual world.
type plan struct {
	routes   []*proxy.Route // with Upstream left nil: they go to backend
	backend  http.Handler   // nil: echoes
	config   func(*proxy.Config)
	settings func(*session.Config)
	redis    *redistest.Server // nil: one of its own
	sim      *wechattest.Server
	tracer   trace.Tracer
	quiet    bool // log as in production: no debug lines, nothing kept
}

// usualRoutes are open, optional, login and role routes.
func usualRoutes() []*proxy.Route {
	return []*proxy.Route{
		{Name: "public", Path: "/public/", Auth: proxy.AuthNone},
		{Name: "optional", Path: "/optional/", Auth: proxy.AuthOptional},
		{Name: "api", Path: "/api/", Auth: proxy.AuthRequired, WebSocket: true},
		{Name: "admin", Path: "/api/admin/", Auth: proxy.AuthRequired, Roles: []string{"admin"}},
		{Name: "sse", Path: "/sse", Auth: proxy.AuthRequired},
		{Name: "ws", Path: "/ws", Auth: proxy.AuthRequired, WebSocket: true},
	}
}

func newWorld(t testing.TB, p plan) *world {
	t.Helper()
	w := &world{t: t, redis: p.redis, sim: p.sim, logs: &testkit.Buffer{}}
	if w.redis == nil {
		w.redis = redistest.Start(t)
	}
	if w.sim == nil {
		w.sim = wechattest.New(wechattest.Options{Apps: []wechattest.App{{ID: appID, Secret: appSecret}}, LoginsPerMinute: 100000})
	}
	simBase, stop, err := w.sim.Start()
	testkit.Must(t, err)
	t.Cleanup(stop)
	if p.routes == nil {
		p.routes = usualRoutes()
	}
	w.start(p, simBase)
	return w
}

func (w *world) start(p plan, simBase string) {
	t := w.t
	log := w.log(p.quiet)
	settings := session.Config{
		Redis: session.RedisConfig{Addrs: []string{w.redis.Addr}, KeyPrefix: "wxgate:"}, Now: time.Now, Log: log,
		Apps:    []string{appID},
		Secrets: []secret.Text{secret.Text(strings.Repeat("k1Q9", 8))}, CacheTTL: 5 * time.Second, StaleIfError: 5 * time.Minute,
		RenewBefore: 30 * time.Minute,
	}
	if p.settings != nil {
		p.settings(&settings)
	}
	var err error
	w.sessions, err = session.Open(settings)
	testkit.Must(t, err)
	t.Cleanup(func() { w.sessions.Close() })
	w.wechat, err = wechat.New(wechat.Options{Tokens: w.sessions.AccessTokens(), Now: time.Now, Log: log}, wechat.Config{
		Base: simBase, Timeout: 2 * time.Second, Apps: []wechat.App{{ID: appID, Secret: appSecret}},
	})
	testkit.Must(t, err)

	config := proxy.Config{
		Endpoints: endpoint.Config{Prefix: "/auth", Apps: []string{appID}}, Routes: w.withBackend(p), MaxHeader: 32 << 10, LogAccess: true,
		Identity: proxy.Identity{OpenID: "X-OpenID", UnionID: "X-UnionID", AppID: "X-AppID", UserID: "X-User-ID", Roles: "X-User-Roles"},
	}
	if p.config != nil {
		p.config(&config)
	}
	w.gateway = proxy.New(proxy.Options{Sessions: w.sessions, WeChat: w.wechat, Metrics: proxy.NewMetrics(nil), Log: log, Now: time.Now, Tracer: p.tracer}, config)
	w.listen(config.MaxHeader, log)
}

func (w *world) log(quiet bool) *zap.Logger {
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	if quiet {
		return zap.New(zapcore.NewCore(encoder, zapcore.AddSync(io.Discard), zap.InfoLevel))
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.AddSync(w.logs), zap.DebugLevel))
}

func (w *world) listen(maxHeader int, log *zap.Logger) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(w.t, err)
	server := proxy.NewServer(w.gateway, proxy.ServerConfig{MaxHeader: maxHeader, ReadHeaderTimeout: 5 * time.Second, Log: log})
	go server.Serve(ln)
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			server.Close()
		}
		w.gateway.Drain(ctx)
	})
	w.addr = ln.Addr().String()
	w.base = "http://" + w.addr
}

// withBackend gives every route without an upstream the plan's backend.
func (w *world) withBackend(p plan) []*proxy.Route {
	if p.backend == nil {
		p.backend = http.HandlerFunc(echo)
	}
	backend := httptest.NewServer(p.backend)
	w.t.Cleanup(backend.Close)
	for _, rt := range p.routes {
		if rt.Upstream == nil {
			rt.Upstream = group(w.t, upstream.Config{Name: rt.Name, PreserveHost: rt.PreserveHost}, backend.URL)
		}
		if rt.Cookies == "" {
			rt.Cookies = proxy.CookiesPass
		}
	}
	return p.routes
}

// group makes an upstream group of targets.
func group(t testing.TB, c upstream.Config, targets ...string) *upstream.Group {
	t.Helper()
	for _, target := range targets {
		u, err := url.Parse(target)
		testkit.Must(t, err)
		c.Targets = append(c.Targets, upstream.Target{URL: u})
	}
	g, err := upstream.New(c, upstream.NewMetrics(nil), zap.NewNop())
	testkit.Must(t, err)
	t.Cleanup(g.Close)
	return g
}

// echoed is what the echo backend answers.
type echoed struct {
	Method string
	Target string
	Host   string
	Header http.Header
	Body   string
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(echoed{r.Method, r.RequestURI, r.Host, r.Header, string(body)})
}

// answer is a response read to its end.
type answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// code is the gateway's error code, "" for none.
func (a answer) code() string { return a.Header.Get("X-Gateway-Error") }

func (a answer) json(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		t.Fatalf("status %d, body %q: %v", a.Status, a.Body, err)
	}
}

// call sends a request; headers come in pairs.
func (w *world) call(method, path, token, body string, headers ...string) answer {
	w.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, w.base+path, r)
	testkit.Must(w.t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	return w.do(req)
}

func (w *world) do(req *http.Request) answer {
	w.t.Helper()
	res, err := client.Do(req)
	testkit.Must(w.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	testkit.Must(w.t, err)
	return answer{res.StatusCode, res.Header, body}
}

// client does not follow redirects, a mini program's way is not asked here.
var client = &http.Client{
	Transport:     &http.Transport{MaxIdleConnsPerHost: 256},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       30 * time.Second,
}

// login logs a user of the simulator in and gives the token.
func (w *world) login(user string) string {
	w.t.Helper()
	return w.loginAnswer(user).Token
}

type loginAnswer struct {
	Token            string         `json:"token"`
	TokenType        string         `json:"token_type"`
	ExpiresIn        int            `json:"expires_in"`
	SessionExpiresIn int            `json:"session_expires_in"`
	IsNewUser        bool           `json:"is_new_user"`
	Phone            map[string]any `json:"phone"`
}

func (w *world) loginAnswer(user string) loginAnswer {
	w.t.Helper()
	a := w.call("POST", "/auth/login", "", `{"code":"`+w.user(user).Code()+`"}`)
	if a.Status != http.StatusOK {
		w.t.Fatalf("login of %s: %d %s", user, a.Status, a.Body)
	}
	var got loginAnswer
	a.json(w.t, &got)
	return got
}

func (w *world) user(name string) *wechattest.User {
	w.t.Helper()
	u, err := w.sim.User(appID, name)
	testkit.Must(w.t, err)
	return u
}
