package wechat_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/secret"
	"wxgate/wechat"
	"wxgate/wechat/wechattest"
)

const stableToken = "/cgi-bin/stable_token"

func accessToken(t *testing.T, c *wechat.Client) string {
	t.Helper()
	value, _, err := c.AccessToken(t.Context(), appID)
	if err != nil {
		t.Fatal(err)
	}
	return value.Reveal()
}

func TestConcurrentCallsFetchOneAccessToken(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, _, err := env.client.AccessToken(t.Context(), appID); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := env.sim.Count(stableToken); n != 1 {
		t.Errorf("%d calls of WeChat", n)
	}
	_, expires, err := env.client.AccessToken(t.Context(), appID)
	if err != nil || !expires.Equal(env.Now().Add(2*time.Hour)) {
		t.Errorf("ends %v, %v", expires, err)
	}
}

func TestInstancesShareAccessToken(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	shared := newSharedTokens(env.Now)
	tokens := make([]string, 20)
	var wg sync.WaitGroup
	for i := range tokens {
		c := newClient(t, settings{Base: env.base, Now: env.Now, Tokens: shared})
		wg.Go(func() { tokens[i] = accessToken(t, c) })
	}
	wg.Wait()
	for _, token := range tokens {
		if token != tokens[0] {
			t.Error("instances have different tokens")
		}
	}
	if n := env.sim.Count(stableToken); n != 1 {
		t.Errorf("%d calls of WeChat", n)
	}
}

func TestAccessTokenIsRefreshedBeforeItExpires(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	old := accessToken(t, env.client)
	env.Advance(time.Hour + 55*time.Minute + time.Second)
	if got := accessToken(t, env.client); got != old {
		t.Error("the call before the expiry waited for a new token")
	}
	testkit.Within(t, 5*time.Second, "a new token", func() bool { return accessToken(t, env.client) != old })
	if n := env.sim.Count(stableToken); n != 2 {
		t.Errorf("%d calls of WeChat", n)
	}
}

func TestOneInstanceRefreshesInBackground(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	shared := newSharedTokens(env.Now)
	var clients []*wechat.Client
	for range 10 {
		c := newClient(t, settings{Base: env.base, Now: env.Now, Tokens: shared})
		accessToken(t, c)
		clients = append(clients, c)
	}
	old := accessToken(t, clients[0])
	env.Advance(time.Hour + 56*time.Minute)
	for _, c := range clients {
		accessToken(t, c)
	}
	testkit.Within(t, 5*time.Second, "a new token", func() bool { return env.sim.Count(stableToken) == 2 })
	testkit.Within(t, 5*time.Second, "the new token in the store", func() bool {
		value, _, _ := shared.Load(t.Context(), appID)
		return value.Reveal() != old
	})
	env.Advance(time.Minute) // so that each process reads the store again
	for _, c := range clients {
		if accessToken(t, c) == old {
			t.Error("an instance has the old token")
		}
	}
	if n := env.sim.Count(stableToken); n != 2 {
		t.Errorf("%d calls of WeChat", n)
	}
}

func TestFailedBackgroundRefreshWaitsForTheRetryInterval(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	old := accessToken(t, env.client)
	env.Advance(time.Hour + 56*time.Minute)
	env.sim.AddFault(wechattest.Fault{API: stableToken, Status: 500})
	failed := func() int { return env.log.FilterMessageSnippet("not refreshed before its expiry").Len() }
	accessToken(t, env.client)
	testkit.Within(t, 5*time.Second, "a failed refresh", func() bool { return failed() == 1 })
	for range 5 {
		if accessToken(t, env.client) != old {
			t.Fatal("another token")
		}
		_ = env.client.Ping(t.Context(), appID) // another attempt would run before this call ends
	}
	env.Advance(30 * time.Second)
	accessToken(t, env.client)
	testkit.Within(t, 5*time.Second, "the next attempt", func() bool { return failed() >= 2 })
	if n := env.sim.Count(stableToken); n != 3+5 {
		t.Errorf("%d calls of WeChat", n)
	}
}

func TestExpiredAccessTokenIsNotUsed(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	old := accessToken(t, env.client)
	env.Advance(2 * time.Hour)
	if accessToken(t, env.client) == old {
		t.Error("an expired token was returned")
	}
}

// The three errcodes for an invalid token, each for its cause.
func TestRejectedTokenIsReplacedAndTheCallRetried(t *testing.T) {
	t.Parallel()
	for errcode, invalidate := range map[int]func(*testing.T, *testEnv, *sharedTokens){
		40001: func(t *testing.T, env *testEnv, _ *sharedTokens) {
			if err := env.sim.InvalidateToken(appID, false); err != nil {
				t.Fatal(err)
			}
		},
		40014: func(t *testing.T, env *testEnv, s *sharedTokens) {
			_ = s.Save(t.Context(), appID, "garbage", env.Now().Add(time.Hour))
			env.Advance(time.Minute)
		},
		42001: func(t *testing.T, env *testEnv, s *sharedTokens) {
			old, _, _ := s.Load(t.Context(), appID)
			env.Advance(3 * time.Hour)
			_ = s.Save(t.Context(), appID, old, env.Now().Add(time.Hour))
		},
	} {
		t.Run(fmt.Sprint(errcode), func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t)
			shared := newSharedTokens(env.Now)
			c := newClient(t, settings{Base: env.base, Now: env.Now, Tokens: shared})
			accessToken(t, c)
			invalidate(t, env, shared)
			u := env.user(t, "alice")
			if _, err := c.Phone(t.Context(), appID, u.OpenID, u.PhoneCode()); err != nil {
				t.Fatal(err)
			}
			calls := env.sim.Calls()
			if first := calls[1]; first.Errcode != errcode {
				t.Errorf("the invalid token got %d", first.Errcode)
			}
			if n := env.sim.Count(stableToken); n != 2 {
				t.Errorf("%d calls of stable_token", n)
			}
		})
	}
}

// The token becomes invalid while two instances make calls.
func TestInvalidatedTokenCausesOneFetchAndNoFailedCall(t *testing.T) {
	t.Parallel()
	for range 5 {
		env := newTestEnv(t)
		shared := newSharedTokens(env.Now)
		clients := []*wechat.Client{
			newClient(t, settings{Base: env.base, Now: env.Now, Tokens: shared}),
			newClient(t, settings{Base: env.base, Now: env.Now, Tokens: shared}),
		}
		u := env.user(t, "alice")
		for _, c := range clients {
			accessToken(t, c)
		}
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				if i == 25 {
					_ = env.sim.InvalidateToken(appID, false)
				}
				for range 4 {
					sendMessage(t, clients[i%2], u.OpenID)
				}
			})
		}
		wg.Wait()
		if n := env.sim.Count(stableToken); n != 2 {
			t.Errorf("%d calls of stable_token", n)
		}
	}
}

// sendMessage relays a message, which WeChat must accept.
func sendMessage(t *testing.T, c *wechat.Client, openid string) {
	t.Helper()
	body := fmt.Sprintf(`{"touser":%q,"template_id":"T","data":{}}`, openid)
	req, err := http.NewRequestWithContext(t.Context(), "POST", "/cgi-bin/message/subscribe/send", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	res, err := c.Relay(appID).RoundTrip(req)
	if err != nil {
		t.Error(err)
		return
	}
	defer res.Body.Close()
	if got, _ := io.ReadAll(res.Body); string(got) != `{"errcode":0,"errmsg":"ok"}` {
		t.Errorf("response %s", got)
	}
}

func TestForcedRefreshWhereStableTokenReturnsARejectedToken(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	u := env.user(t, "alice")
	old := accessToken(t, env.client)
	if err := env.sim.InvalidateToken(appID, true); err != nil {
		t.Fatal(err)
	}
	if _, err := env.client.Phone(t.Context(), appID, u.OpenID, u.PhoneCode()); err != nil {
		t.Fatal(err)
	}
	if accessToken(t, env.client) == old {
		t.Error("the rejected token is still used")
	}
	if n := forcedRefreshes(env.sim); n != 1 {
		t.Errorf("%d forced refreshes", n)
	}
	if env.log.FilterMessageSnippet("forcing").Len() != 1 {
		t.Error("no log line")
	}
}

func TestForcedRefreshIsLimitedToOneInFiveMinutes(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	u := env.user(t, "alice")
	for range 3 {
		accessToken(t, env.client)
		_ = env.sim.InvalidateToken(appID, true)
		_, _ = env.client.Phone(t.Context(), appID, u.OpenID, u.PhoneCode())
	}
	if n := forcedRefreshes(env.sim); n != 1 {
		t.Errorf("%d forced refreshes", n)
	}
	_, err := env.client.Phone(t.Context(), appID, u.OpenID, u.PhoneCode())
	var e *wechat.Error
	if !errors.Is(err, wechat.ErrUnavailable) || !errors.As(err, &e) || e.RetryAfter < 30*time.Second {
		t.Errorf("got %v", err)
	}
	env.Advance(5 * time.Minute)
	if _, err := env.client.Phone(t.Context(), appID, u.OpenID, u.PhoneCode()); err != nil {
		t.Errorf("later: %v", err)
	}
}

func forcedRefreshes(sim *wechattest.Server) (n int) {
	for _, c := range sim.Calls() {
		if strings.Contains(c.Body, `"force_refresh":true`) {
			n++
		}
	}
	return n
}

func TestExpiryAndInvalidationNeedNoForcedRefresh(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	u := env.user(t, "alice")
	for range 20 {
		if _, err := env.client.Phone(t.Context(), appID, u.OpenID, u.PhoneCode()); err != nil {
			t.Fatal(err)
		}
		env.Advance(17 * time.Minute)
		if env.Now().Minute()%2 == 0 {
			_ = env.sim.InvalidateToken(appID, false)
		}
	}
	if n := forcedRefreshes(env.sim); n != 0 {
		t.Errorf("%d forced refreshes", n)
	}
}

func TestAccessTokenWhereTheStoreFails(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	shared := newSharedTokens(env.Now)
	shared.failing.Store(true)
	c := newClient(t, settings{Base: env.base, Now: env.Now, Tokens: shared})
	old := accessToken(t, c)
	env.Advance(time.Minute) // the process reads the store again
	if accessToken(t, c) != old || env.sim.Count(stableToken) != 1 {
		t.Errorf("%d calls of WeChat", env.sim.Count(stableToken))
	}
	_ = env.sim.InvalidateToken(appID, false)
	sendMessage(t, c, env.user(t, "alice").OpenID)
}

func TestCachedTokenIsUsedWithoutTheStore(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	shared := newSharedTokens(env.Now)
	c := newClient(t, settings{Base: env.base, Now: env.Now, Tokens: shared})
	accessToken(t, c)
	before := shared.loads.Load()
	for range 100 {
		accessToken(t, c)
	}
	if n := shared.loads.Load() - before; n != 0 {
		t.Errorf("the store was read %d times", n)
	}
	env.Advance(time.Minute)
	accessToken(t, c)
	if n := shared.loads.Load() - before; n != 1 {
		t.Errorf("the store was read %d times after a minute", n)
	}
}

// Another instance may replace the token after this one has read the store and before it
// has the lock.
func TestTokenThatAnotherInstanceFetchedIsUsed(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*testEnv){
		"invalid":  func(env *testEnv) { _ = env.sim.InvalidateToken(appID, false) },
		"expiring": func(env *testEnv) { env.Advance(time.Hour + 56*time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t)
			shared := newSharedTokens(env.Now)
			one := newClient(t, settings{Base: env.base, Now: env.Now, Tokens: shared})
			two := newClient(t, settings{Base: env.base, Now: env.Now, Tokens: shared})
			old := accessToken(t, one)
			prepare(env)
			done := make(chan struct{})
			shared.mu.Lock()
			shared.beforeLock = func() {
				defer close(done)
				sendMessage(t, two, env.user(t, "alice").OpenID)
				testkit.Within(t, 5*time.Second, "the other instance's token", func() bool {
					value, _, _ := shared.Load(t.Context(), appID)
					return value.Reveal() != old
				})
			}
			shared.mu.Unlock()
			sendMessage(t, one, env.user(t, "alice").OpenID)
			<-done
			testkit.Within(t, 5*time.Second, "the lock released", func() bool {
				unlock, ok, _ := shared.Lock(t.Context(), appID, time.Minute)
				if ok {
					unlock()
				}
				return ok
			})
			testkit.Within(t, 5*time.Second, "the new token", func() bool { return accessToken(t, one) != old })
			if n := env.sim.Count(stableToken); n != 2 {
				t.Errorf("%d calls of WeChat", n)
			}
		})
	}
}

func TestCanceledCallerDoesNotCancelTheSharedTokenFetch(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int32
	release := make(chan struct{})
	c := clientFor(t, func(w http.ResponseWriter, r *http.Request) {
		arrived.Add(1)
		select {
		case <-release:
			respondWith(`{"access_token":"T1","expires_in":7200}`)(w, r)
		case <-r.Context().Done():
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, _, err := c.AccessToken(ctx, appID); !errors.Is(err, context.Canceled) {
			t.Errorf("the canceled call: %v", err)
		}
	})
	testkit.Within(t, 5*time.Second, "a call to WeChat", func() bool { return arrived.Load() == 1 })
	cancel()
	wg.Wait()
	time.AfterFunc(10*time.Millisecond, func() { close(release) })
	if got := accessToken(t, c); got != "T1" || arrived.Load() != 1 {
		t.Errorf("%s after %d calls", got, arrived.Load())
	}
}

func TestMalformedTokenResponsesAreUnavailable(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{}`, `{"access_token":"","expires_in":7200}`, `{"access_token":"T"}`, `{"access_token":"T","expires_in":0}`,
		`{"access_token":"T","expires_in":-1}`, `{"access_token":"T\r\n","expires_in":7200}`, `{"access_token":1,"expires_in":7200}`,
		`{"access_token":"` + strings.Repeat("T", 3000) + `","expires_in":7200}`,
	} {
		if _, _, err := clientFor(t, respondWith(body)).AccessToken(t.Context(), appID); !errors.Is(err, wechat.ErrUnavailable) {
			t.Errorf("%.60s: %v", body, err)
		}
	}
	c := clientFor(t, respondWith(`{"access_token":"T","expires_in":"9999999999999"}`))
	_, expires, err := c.AccessToken(t.Context(), appID)
	if err != nil || time.Until(expires) > 25*time.Hour {
		t.Errorf("a lifetime of centuries: until %v, %v", expires, err)
	}
}

func TestMisconfigurationHasAHint(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		app    wechattest.App
		secret secret.Text
		code   int
		hint   string
	}{
		"secret":     {wechattest.App{ID: appID, Secret: "other"}, appSecret, 40125, "AppSecret"},
		"appid":      {wechattest.App{ID: "wxother", Secret: appSecret}, appSecret, 40013, "appid"},
		"frozen":     {wechattest.App{ID: appID, Secret: appSecret, Frozen: true}, appSecret, 40243, "unfreeze"},
		"ip":         {wechattest.App{ID: appID, Secret: appSecret, AllowedIPs: []string{"10.0.0.0/8"}}, appSecret, 40164, "127.0.0.1"},
		"no secret":  {wechattest.App{ID: appID, Secret: appSecret}, "", 41004, "rid"},
		"ip allowed": {wechattest.App{ID: appID, Secret: appSecret, AllowedIPs: []string{"127.0.0.1"}}, appSecret, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newTestEnv(t, func(_ *settings, o *wechattest.Options) { o.Apps = []wechattest.App{c.app} })
			env.setApps(t, wechat.App{ID: appID, Secret: c.secret})
			err := env.client.Ping(t.Context(), appID)
			if c.code == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var e *wechat.Error
			if !errors.Is(err, wechat.ErrMisconfigured) || !errors.As(err, &e) || e.Code != c.code || !strings.Contains(e.Hint(), c.hint) {
				t.Fatalf("got %v", err)
			}
			logged := env.log.FilterMessage("wechat refused a call: operator action required").All()
			if len(logged) != 1 || !strings.Contains(fmt.Sprint(logged[0].ContextMap()["do"]), c.hint) {
				t.Errorf("logged %v", logged)
			}
		})
	}
}

func TestReloadKeepsTheTokenOfAnUnchangedApp(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	old := accessToken(t, env.client)
	env.setApps(t, wechat.App{ID: appID, Secret: appSecret}, wechat.App{ID: "wx2", Secret: "s"})
	if accessToken(t, env.client) != old || env.sim.Count(stableToken) != 1 {
		t.Error("an unchanged app has another token")
	}
	env.setApps(t)
	if _, _, err := env.client.AccessToken(t.Context(), appID); !errors.Is(err, wechat.ErrUnknownApp) {
		t.Errorf("a removed app: %v", err)
	}
}
