package admin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"wxgate/admin"
	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
	"wxgate/secret"
	"wxgate/session"
	"wxgate/wechat"
	"wxgate/wechat/wechattest"
)

// The two apps of every testEnv, and the tokens of its private listener.
const (
	app, otherApp = "wx1234567890abcdef", "wxfedcba0987654321"
	appSecret     = "app-secret-that-must-never-show"
	adminToken    = "token-of-the-operators"
	wechatToken   = "token-of-the-orders-backend"
	bothToken     = "token-of-the-owner"
	rawToken      = "token-of-who-needs-the-access-token"
	otherToken    = "token-of-the-other-app"
)

// testEnv is a private listener with its dependencies: a real Redis and the
// simulated WeChat.
type testEnv struct {
	t        *testing.T
	redis    *redistest.Server
	sim      *wechattest.Server
	simBase  string
	sessions *session.Store
	wechat   *wechat.Client
	log      *testkit.Buffer
	metrics  *prometheus.Registry
	draining atomic.Bool
	base     string
	server   *admin.Server
	stopRun  context.CancelFunc
}

func newTestEnv(t *testing.T) *testEnv {
	t.Helper()
	env := &testEnv{t: t, redis: redistest.Start(t)}
	env.sim = wechattest.New(wechattest.Options{LoginsPerMinute: 100000, Apps: []wechattest.App{
		{ID: app, Secret: appSecret}, {ID: otherApp, Secret: appSecret},
	}})
	base, stop, err := env.sim.Start()
	testkit.Must(t, err)
	t.Cleanup(stop)
	env.simBase = base
	env.start()
	return env
}

// twin is a second instance on the same Redis and WeChat.
func (env *testEnv) twin() *testEnv {
	env.t.Helper()
	other := &testEnv{t: env.t, redis: env.redis, sim: env.sim, simBase: env.simBase}
	other.start()
	return other
}

func (env *testEnv) start() {
	env.t.Helper()
	env.log, env.metrics = &testkit.Buffer{}, prometheus.NewRegistry()
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), env.log, zap.DebugLevel))
	var err error
	env.sessions, err = session.Open(session.Config{
		Redis:   session.RedisConfig{Addrs: []string{env.redis.Addr}, KeyPrefix: "wxgate:"},
		Apps:    []string{app, otherApp},
		Secrets: []secret.Text{secret.Text(strings.Repeat("k1Q9", 8))}, CacheTTL: 30 * time.Second,
		Log: log, Registry: env.metrics,
	})
	testkit.Must(env.t, err)
	env.t.Cleanup(func() { env.sessions.Close() })
	env.wechat, err = wechat.New(wechat.Options{Tokens: env.sessions.AccessTokens(), Log: log}, wechat.Config{
		Base: env.simBase, Apps: []wechat.App{{ID: app, Secret: appSecret}, {ID: otherApp, Secret: appSecret}},
	})
	testkit.Must(env.t, err)
	env.t.Cleanup(env.wechat.Close)
	env.listen(log)
	testkit.Eventually(env.t, "ready", func() bool { return env.sessions.Ready(env.t.Context()) == nil })
}

func (env *testEnv) listen(log *zap.Logger) {
	config := admin.Config{
		Tokens: []admin.Token{
			{Name: "operators", Token: adminToken, Scopes: []admin.Scope{admin.ScopeAdmin}},
			{Name: "orders", Token: wechatToken, Scopes: []admin.Scope{admin.ScopeWeChat}},
			{Name: "legacy", Token: rawToken, Scopes: []admin.Scope{admin.ScopeToken}},
			{Name: "other", Token: otherToken, Scopes: []admin.Scope{admin.ScopeAdmin, admin.ScopeWeChat, admin.ScopeToken}, Apps: []string{otherApp}},
			{Name: "owner", Token: bothToken, Scopes: []admin.Scope{admin.ScopeAdmin, admin.ScopeWeChat}},
		},
		Relay: map[string][]string{app: {"/wxa/getwxacodeunlimit", "/cgi-bin/*", "/wxa/img_sec_check"}, otherApp: nil},
	}
	env.server = admin.New(admin.Options{
		Sessions: env.sessions, WeChat: env.wechat, Metrics: env.metrics, Log: log, Draining: env.draining.Load, Gateway: fakeGateway(),
		FailureInterval: time.Millisecond, SampleInterval: 20 * time.Millisecond,
	}, config)
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		env.server.Run(ctx)
	}()
	env.stopRun = func() { stop(); <-ran }
	server := httptest.NewServer(env.server.Handler())
	env.t.Cleanup(func() { env.stopRun(); server.Close() })
	env.base = server.URL
}

func (env *testEnv) user(name string) *wechattest.User {
	env.t.Helper()
	u, err := env.sim.User(app, name)
	testkit.Must(env.t, err)
	return u
}

// login starts a session as a login of the user would.
func (env *testEnv) login(name string) *session.Session {
	env.t.Helper()
	u := env.user(name)
	got, err := env.wechat.Login(env.t.Context(), app, u.Code())
	testkit.Must(env.t, err)
	_, s, _, err := env.sessions.Login(env.t.Context(), session.Login{AppID: app, OpenID: got.OpenID, UnionID: got.UnionID, SessionKey: got.SessionKey})
	testkit.Must(env.t, err)
	return s
}

// outcome returns the status and, if there is one, the gateway's error code.
func outcome(a testkit.Response) string {
	return strings.TrimSpace(fmt.Sprint(a.Status, " ", a.Code()))
}

func (env *testEnv) call(method, path, token, body string, headers ...string) testkit.Response {
	env.t.Helper()
	a, err := env.try(method, path, token, body, headers...)
	testkit.Must(env.t, err)
	return a
}

func (env *testEnv) try(method, path, token, body string, headers ...string) (testkit.Response, error) {
	return testkit.Call(http.DefaultClient, method, env.base+path, token, body, headers...)
}

// lastAuditLine returns the last line of the audit log.
func (env *testEnv) lastAuditLine() map[string]any {
	env.t.Helper()
	var last map[string]any
	for line := range strings.Lines(env.log.String()) {
		var fields map[string]any
		testkit.Must(env.t, json.Unmarshal([]byte(line), &fields))
		if fields["logger"] == "audit" {
			last = fields
		}
	}
	return last
}
