package wechat_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wxgate/internal/testkit"
	"wxgate/secret"
	"wxgate/wechat"
	"wxgate/wechat/wechattest"
)

const (
	appID     = "wx4f4bc4dec97d474b"
	appSecret = "0123456789abcdef&=+0123456789abcdef"
)

// testEnv is a simulated WeChat and a client of it with a common clock.
type testEnv struct {
	*testkit.Clock
	sim      *wechattest.Server
	base     string
	settings settings
	client   *wechat.Client
	log      *observer.ObservedLogs
}

func newTestEnv(t *testing.T, change ...func(*settings, *wechattest.Options)) *testEnv {
	t.Helper()
	env := &testEnv{Clock: &testkit.Clock{}}
	core, log := observer.New(zap.DebugLevel)
	clientSettings := settings{Now: env.Now, Log: zap.New(core), Timeout: 2 * time.Second}
	simOptions := wechattest.Options{Now: env.Now, Apps: []wechattest.App{{ID: appID, Secret: appSecret}}}
	for _, f := range change {
		f(&clientSettings, &simOptions)
	}
	env.log, env.sim = log, wechattest.New(simOptions)
	srv := httptest.NewServer(env.sim)
	t.Cleanup(srv.Close)
	env.base = srv.URL
	if clientSettings.Base == "" {
		clientSettings.Base = srv.URL
	}
	env.settings, env.client = clientSettings, newClient(t, clientSettings)
	return env
}

// settings are the Options and the Config of a client.
type settings struct {
	Base        string
	Timeout     time.Duration
	MaxInFlight int
	OpenFor     time.Duration
	Tokens      wechat.TokenStore
	Now         func() time.Time
	Log         *zap.Logger
	Registry    prometheus.Registerer
}

func (s settings) options() wechat.Options {
	return wechat.Options{
		MaxInFlight: s.MaxInFlight, OpenFor: s.OpenFor, Tokens: s.Tokens, Now: s.Now, Log: s.Log, Registry: s.Registry,
	}
}

func (s settings) config(apps ...wechat.App) wechat.Config {
	return wechat.Config{Base: s.Base, Timeout: s.Timeout, Apps: apps}
}

func newClient(t *testing.T, s settings) *wechat.Client {
	t.Helper()
	c, err := wechat.New(s.options(), s.config(wechat.App{ID: appID, Secret: secret.Text(appSecret)}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// loggedIn returns a testEnv with a user who has logged in, and the user's session key.
func loggedIn(t *testing.T) (*testEnv, *wechattest.User, secret.Text) {
	t.Helper()
	env := newTestEnv(t)
	u := env.user(t, "alice")
	return env, u, env.login(t, u).SessionKey
}

// setApps reloads the client's configuration with other apps.
func (env *testEnv) setApps(t *testing.T, apps ...wechat.App) {
	t.Helper()
	if err := env.client.Configure(env.settings.config(apps...)); err != nil {
		t.Fatal(err)
	}
}

func (env *testEnv) user(t *testing.T, name string) *wechattest.User {
	t.Helper()
	u, err := env.sim.User(appID, name)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// login logs the user in.
func (env *testEnv) login(t *testing.T, u *wechattest.User) wechat.Login {
	t.Helper()
	got, err := env.client.Login(t.Context(), u.AppID, u.Code())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// shortContext returns a context that ends while a delayed call is in flight.
func shortContext(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), 20*time.Millisecond)
}
