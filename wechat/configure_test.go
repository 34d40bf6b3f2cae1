package wechat_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/secret"
	"wxgate/wechat"
	"wxgate/wechat/wechattest"
)

// The calls after a reload use the new address and timeout, and the cached access token. A
// refused configuration changes nothing.
func TestConfigureReplacesBaseTimeoutAndApps(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	token := accessToken(t, env.client)
	var calls atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		env.sim.ServeHTTP(rw, r)
	}))
	defer other.Close()
	app := wechat.App{ID: appID, Secret: appSecret}
	if err := env.client.Configure(wechat.Config{Base: other.URL, Timeout: 50 * time.Millisecond, Apps: []wechat.App{app}}); err != nil {
		t.Fatal(err)
	}
	env.login(t, env.user(t, "alice"))
	if calls.Load() != 1 || accessToken(t, env.client) != token {
		t.Errorf("%d calls of the new address; same access token: %v", calls.Load(), accessToken(t, env.client) == token)
	}
	env.sim.AddFault(wechattest.Fault{API: jscode2session, Delay: time.Minute, Times: 1})
	start := time.Now()
	if _, err := env.client.Login(t.Context(), appID, "code"); !errors.Is(err, wechat.ErrUnavailable) || time.Since(start) > time.Second {
		t.Errorf("with the new timeout: %v after %v", err, time.Since(start))
	}
	if err := env.client.Configure(wechat.Config{Base: "ftp://x"}); err == nil {
		t.Error("an invalid base is accepted")
	}
	if env.client.Ping(t.Context(), appID) != nil {
		t.Error("a refused configuration removed the apps")
	}
}

func TestBadBaseIsRefused(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"api.weixin.qq.com", "ftp://x", "http://", "https://u:p@x", "https://x?secret=y", "https://x#y", ":"} {
		if _, err := wechat.New(wechat.Options{}, wechat.Config{Base: base}); err == nil {
			t.Errorf("%q is accepted", base)
		}
	}
	if _, err := wechat.New(wechat.Options{}, wechat.Config{}); err != nil {
		t.Errorf("the default: %v", err)
	}
}

func TestConfigureDuringCalls(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	u := env.user(t, "alice")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				if _, err := env.client.Login(t.Context(), appID, u.Code()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 50 {
		env.setApps(t, wechat.App{ID: appID, Secret: appSecret}, wechat.App{ID: fmt.Sprint("wx", i), Secret: secret.Text(fmt.Sprint(i))})
	}
	wg.Wait()
}
