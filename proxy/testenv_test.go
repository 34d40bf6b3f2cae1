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

// The app of tests that need one app only.
const (
	appID     = "wx1234567890abcdef"
	appSecret = "app-secret-that-must-never-show"
)

// testEnv is a gateway with a real Redis, the simulated WeChat, and backends on sockets of
// their own.
type testEnv struct {
	t        testing.TB
	redis    *redistest.Server
	sim      *wechattest.Server
	sessions *session.Store
	wechat   *wechat.Client
	gateway  *proxy.Gateway
	base     string // the public listener's URL
	addr     string // host:port of it
	logs     *testkit.Buffer
}

// envConfig is what a test changes in its testEnv.
type envConfig struct {
	routes   []*proxy.Route // nil: defaultRoutes; a nil Upstream is replaced by backend
	backend  http.Handler   // nil: echo
	config   func(*proxy.Config)
	settings func(*session.Config)
	redis    *redistest.Server  // nil: a new one
	sim      *wechattest.Server // nil: a new one
	tracer   trace.Tracer
	quiet    bool // discard the log, without debug lines
}

// defaultRoutes has routes with each kind of authentication, and one that requires a role.
func defaultRoutes() []*proxy.Route {
	return []*proxy.Route{
		{Name: "public", Path: "/public/", Auth: proxy.AuthNone},
		{Name: "optional", Path: "/optional/", Auth: proxy.AuthOptional},
		{Name: "api", Path: "/api/", Auth: proxy.AuthRequired, WebSocket: true},
		{Name: "admin", Path: "/api/admin/", Auth: proxy.AuthRequired, Roles: []string{"admin"}},
		{Name: "sse", Path: "/sse", Auth: proxy.AuthRequired},
		{Name: "ws", Path: "/ws", Auth: proxy.AuthRequired, WebSocket: true},
	}
}

func newTestEnv(t testing.TB, p envConfig) *testEnv {
	t.Helper()
	env := &testEnv{t: t, redis: p.redis, sim: p.sim, logs: &testkit.Buffer{}}
	if env.redis == nil {
		env.redis = redistest.Start(t)
	}
	if env.sim == nil {
		env.sim = wechattest.New(wechattest.Options{Apps: []wechattest.App{{ID: appID, Secret: appSecret}}, LoginsPerMinute: 100000})
	}
	simBase, stop, err := env.sim.Start()
	testkit.Must(t, err)
	t.Cleanup(stop)
	if p.routes == nil {
		p.routes = defaultRoutes()
	}
	env.start(p, simBase)
	return env
}

// start starts the gateway against the simulator at simBase.
func (env *testEnv) start(p envConfig, simBase string) {
	t := env.t
	log := env.log(p.quiet)
	settings := session.Config{
		Redis: session.RedisConfig{Addrs: []string{env.redis.Addr}, KeyPrefix: "wxgate:"}, Now: time.Now, Log: log,
		Apps:    []string{appID},
		Secrets: []secret.Text{secret.Text(strings.Repeat("k1Q9", 8))}, CacheTTL: 5 * time.Second, StaleIfError: 5 * time.Minute,
		RenewBefore: 30 * time.Minute,
	}
	if p.settings != nil {
		p.settings(&settings)
	}
	var err error
	env.sessions, err = session.Open(settings)
	testkit.Must(t, err)
	t.Cleanup(func() { env.sessions.Close() })
	env.wechat, err = wechat.New(wechat.Options{Tokens: env.sessions.AccessTokens(), Now: time.Now, Log: log}, wechat.Config{
		Base: simBase, Timeout: 2 * time.Second, Apps: []wechat.App{{ID: appID, Secret: appSecret}},
	})
	testkit.Must(t, err)

	config := proxy.Config{
		Endpoints: endpoint.Config{Prefix: "/auth", Apps: []string{appID}}, Routes: env.withBackend(p), MaxHeader: 32 << 10, LogAccess: true,
		Identity: proxy.IdentityHeaders{OpenID: "X-OpenID", UnionID: "X-UnionID", AppID: "X-AppID", UserID: "X-User-ID", Roles: "X-User-Roles"},
	}
	if p.config != nil {
		p.config(&config)
	}
	env.gateway = proxy.New(proxy.Options{Sessions: env.sessions, WeChat: env.wechat, Metrics: proxy.NewMetrics(nil), Log: log, Now: time.Now, Tracer: p.tracer}, config)
	env.listen(config.MaxHeader, log)
}

func (env *testEnv) log(quiet bool) *zap.Logger {
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	if quiet {
		return zap.New(zapcore.NewCore(encoder, zapcore.AddSync(io.Discard), zap.InfoLevel))
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.AddSync(env.logs), zap.DebugLevel))
}

func (env *testEnv) listen(maxHeader int, log *zap.Logger) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(env.t, err)
	server := proxy.NewServer(env.gateway, proxy.ServerConfig{MaxHeader: maxHeader, ReadHeaderTimeout: 5 * time.Second, Log: log})
	go server.Serve(ln)
	env.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			server.Close()
		}
		env.gateway.Drain(ctx)
	})
	env.addr = ln.Addr().String()
	env.base = "http://" + env.addr
}

// withBackend sets the backend of p on every route without an upstream.
func (env *testEnv) withBackend(p envConfig) []*proxy.Route {
	if p.backend == nil {
		p.backend = http.HandlerFunc(echo)
	}
	backend := httptest.NewServer(p.backend)
	env.t.Cleanup(backend.Close)
	for _, rt := range p.routes {
		if rt.Upstream == nil {
			rt.Upstream = group(env.t, upstream.Config{Name: rt.Name, PreserveHost: rt.PreserveHost}, backend.URL)
		}
		if rt.Cookies == "" {
			rt.Cookies = proxy.CookiesPass
		}
	}
	return p.routes
}

// group returns an upstream group of the targets.
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

// echoResponse is the response of the echo backend.
type echoResponse struct {
	Method string
	Target string
	Host   string
	Header http.Header
	Body   string
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(echoResponse{r.Method, r.RequestURI, r.Host, r.Header, string(body)})
}

// call sends a request; headers come in pairs.
func (env *testEnv) call(method, path, token, body string, headers ...string) testkit.Response {
	env.t.Helper()
	req, err := testkit.NewRequest(method, env.base+path, token, body, headers...)
	testkit.Must(env.t, err)
	return env.do(req)
}

func (env *testEnv) do(req *http.Request) testkit.Response {
	env.t.Helper()
	a, err := testkit.Do(client, req)
	testkit.Must(env.t, err)
	return a
}

// client follows no redirects.
var client = &http.Client{
	Transport:     &http.Transport{MaxIdleConnsPerHost: 256},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       30 * time.Second,
}

// login logs a user of the simulator in and returns the token.
func (env *testEnv) login(user string) string {
	env.t.Helper()
	return env.loginResponse(user).Token
}

type loginResponse struct {
	Token            string         `json:"token"`
	TokenType        string         `json:"token_type"`
	ExpiresIn        int            `json:"expires_in"`
	SessionExpiresIn int            `json:"session_expires_in"`
	IsNewUser        bool           `json:"is_new_user"`
	Phone            map[string]any `json:"phone"`
}

func (env *testEnv) loginResponse(user string) loginResponse {
	env.t.Helper()
	res := env.call("POST", "/auth/login", "", `{"code":"`+env.user(user).Code()+`"}`)
	if res.Status != http.StatusOK {
		env.t.Fatalf("login of %s: %d %s", user, res.Status, res.Body)
	}
	var got loginResponse
	res.JSON(env.t, &got)
	return got
}

func (env *testEnv) user(name string) *wechattest.User {
	env.t.Helper()
	u, err := env.sim.User(appID, name)
	testkit.Must(env.t, err)
	return u
}

// serve starts a server for the handler and returns its URL.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}
