package admin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
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

// The two apps of every world, and the tokens of its private listener.
const (
	app, otherApp = "wx1234567890abcdef", "wxfedcba0987654321"
	appSecret     = "app-secret-that-must-never-show"
	adminToken    = "token-of-the-operators"
	wechatToken   = "token-of-the-orders-backend"
	bothToken     = "token-of-the-owner"
	rawToken      = "token-of-who-needs-the-access-token"
	otherToken    = "token-of-the-other-app"
)

// world is a private listener with what stands behind it: a real Redis and
// the simulated WeChat.
type world struct {
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

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, redis: redistest.Start(t)}
	w.sim = wechattest.New(wechattest.Options{LoginsPerMinute: 100000, Apps: []wechattest.App{
		{ID: app, Secret: appSecret}, {ID: otherApp, Secret: appSecret},
	}})
	base, stop, err := w.sim.Start()
	testkit.Must(t, err)
	t.Cleanup(stop)
	w.simBase = base
	w.start()
	return w
}

// twin is a second instance on the same Redis and WeChat.
func (w *world) twin() *world {
	w.t.Helper()
	other := &world{t: w.t, redis: w.redis, sim: w.sim, simBase: w.simBase}
	other.start()
	return other
}

func (w *world) start() {
	w.t.Helper()
	w.log, w.metrics = &testkit.Buffer{}, prometheus.NewRegistry()
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), w.log, zap.DebugLevel))
	var err error
	w.sessions, err = session.Open(session.Config{
		Redis:   session.RedisConfig{Addrs: []string{w.redis.Addr}, KeyPrefix: "wxgate:"},
		Apps:    []string{app, otherApp},
		Secrets: []secret.Text{secret.Text(strings.Repeat("k1Q9", 8))}, CacheTTL: 30 * time.Second,
		Log: log, Registry: w.metrics,
	})
	testkit.Must(w.t, err)
	w.t.Cleanup(func() { w.sessions.Close() })
	w.wechat, err = wechat.New(wechat.Options{Tokens: w.sessions.AccessTokens(), Log: log}, wechat.Config{
		Base: w.simBase, Apps: []wechat.App{{ID: app, Secret: appSecret}, {ID: otherApp, Secret: appSecret}},
	})
	testkit.Must(w.t, err)
	w.t.Cleanup(w.wechat.Close)
	w.listen(log)
	testkit.Eventually(w.t, "ready", func() bool { return w.sessions.Ready(w.t.Context()) == nil })
}

func (w *world) listen(log *zap.Logger) {
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
	w.server = admin.New(admin.Options{
		Sessions: w.sessions, WeChat: w.wechat, Metrics: w.metrics, Log: log, Draining: w.draining.Load, Gateway: shownGateway(),
		FailureInterval: time.Millisecond, SampleInterval: 20 * time.Millisecond,
	}, config)
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		w.server.Run(ctx)
	}()
	w.stopRun = func() { stop(); <-ran }
	server := httptest.NewServer(w.server.Handler())
	w.t.Cleanup(func() { w.stopRun(); server.Close() })
	w.base = server.URL
}

func (w *world) user(name string) *wechattest.User {
	w.t.Helper()
	u, err := w.sim.User(app, name)
	testkit.Must(w.t, err)
	return u
}

// login opens a session as a login of the user would.
func (w *world) login(name string) *session.Session {
	w.t.Helper()
	u := w.user(name)
	got, err := w.wechat.Login(w.t.Context(), app, u.Code())
	testkit.Must(w.t, err)
	_, s, _, err := w.sessions.Login(w.t.Context(), session.Login{AppID: app, OpenID: got.OpenID, UnionID: got.UnionID, SessionKey: got.SessionKey})
	testkit.Must(w.t, err)
	return s
}

// answer is a response read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) code() string { return a.header.Get("X-Gateway-Error") }

// outcome is the status, and the gateway's error code where there is one.
func (a answer) outcome() string { return strings.TrimSpace(fmt.Sprint(a.status, " ", a.code())) }

func (a answer) String() string { return fmt.Sprintf("%d %.300s", a.status, a.body) }

func (a answer) json(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%v: %v", a, err)
	}
}

func (w *world) call(method, path, token, body string, headers ...string) answer {
	w.t.Helper()
	a, err := w.try(method, path, token, body, headers...)
	testkit.Must(w.t, err)
	return a
}

func (w *world) try(method, path, token, body string, headers ...string) (answer, error) {
	req, err := http.NewRequest(method, w.base+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, read}, err
}

// audited gives the last line of the audit log.
func (w *world) audited() map[string]any {
	w.t.Helper()
	var last map[string]any
	for line := range strings.Lines(w.log.String()) {
		var fields map[string]any
		testkit.Must(w.t, json.Unmarshal([]byte(line), &fields))
		if fields["logger"] == "audit" {
			last = fields
		}
	}
	return last
}
