package wechat_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/secret"
	"wxgate/wechat"
	"wxgate/wechat/wechattest"
)

// failLogins makes as many logins fail as it takes to open the circuit breaker.
func failLogins(t *testing.T, env *testEnv) {
	t.Helper()
	env.sim.AddFault(wechattest.Fault{API: jscode2session, Status: 502})
	for range 10 {
		if _, err := env.client.Login(t.Context(), appID, "code"); !errors.Is(err, wechat.ErrUnavailable) {
			t.Fatal(err)
		}
	}
}

func TestOpenCircuitBreakerRefusesCalls(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	failLogins(t, env)
	asked := env.sim.Count(jscode2session)
	_, err := env.client.Login(t.Context(), appID, "code")
	var e *wechat.Error
	if !errors.Is(err, wechat.ErrUnavailable) || !errors.As(err, &e) || e.RetryAfter < time.Second {
		t.Errorf("got %v", err)
	}
	if env.sim.Count(jscode2session) != asked {
		t.Error("WeChat was asked")
	}
	if env.log.FilterMessage("wechat circuit breaker").Len() != 1 {
		t.Error("nobody was told")
	}
}

func TestSlowWeChatSoonCostsNothing(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, func(o *settings, _ *wechattest.Options) { o.Timeout = 50 * time.Millisecond })
	env.sim.AddFault(wechattest.Fault{Delay: time.Minute})
	for range 10 {
		_, _ = env.client.Login(t.Context(), appID, "code")
	}
	asked := env.sim.Count(jscode2session)
	if _, err := env.client.Login(t.Context(), appID, "code"); !errors.Is(err, wechat.ErrUnavailable) {
		t.Error(err)
	}
	if env.sim.Count(jscode2session) != asked {
		t.Error("a login waited for WeChat")
	}
}

func TestWeChatIsTriedAgainAfterThePause(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, func(o *settings, _ *wechattest.Options) { o.OpenFor = 20 * time.Millisecond })
	failLogins(t, env)
	env.sim.ClearFaults()
	u := env.user(t, "alice")
	testkit.Within(t, 5*time.Second, "a login", func() bool {
		_, err := env.client.Login(t.Context(), appID, u.Code())
		return err == nil
	})
	env.login(t, u)
}

func TestRefusalsDoNotOpenTheCircuitBreaker(t *testing.T) {
	t.Parallel()
	for _, errcode := range []int{40029, 40226, 45011, 45009, 40125} {
		env := newTestEnv(t)
		env.sim.AddFault(wechattest.Fault{Errcode: errcode, Times: 50})
		for range 50 {
			_, _ = env.client.Login(t.Context(), appID, "code")
		}
		env.login(t, env.user(t, "alice"))
	}
}

func TestCircuitBreakersAreSeparateForEachApp(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, func(_ *settings, o *wechattest.Options) {
		o.Apps = append(o.Apps, wechattest.App{ID: "wx2", Secret: "s2"})
	})
	env.setApps(t, wechat.App{ID: appID, Secret: appSecret}, wechat.App{ID: "wx2", Secret: "s2"})
	failLogins(t, env)
	env.sim.ClearFaults()
	u, err := env.sim.User("wx2", "bob")
	if err != nil {
		t.Fatal(err)
	}
	env.login(t, u)
	send(t, env.client, env.user(t, "alice").OpenID) // and so is one kind of call's
}

func TestCallsUnderWayAreBounded(t *testing.T) {
	t.Parallel()
	var underWay, most atomic.Int32
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most.Store(max(most.Load(), underWay.Add(1)))
		<-release
		underWay.Add(-1)
		saying(`{"openid":"o1","session_key":"a2V5"}`)(w, r)
	}))
	defer srv.Close()
	c := newClient(t, settings{Base: srv.URL, MaxInFlight: 2})
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if _, err := c.Login(t.Context(), appID, "code"); err != nil {
				t.Error(err)
			}
		})
	}
	testkit.Within(t, 5*time.Second, "two logins under way", func() bool { return underWay.Load() == 2 })
	close(release)
	wg.Wait()
	if most.Load() > 2 {
		t.Errorf("%d at once", most.Load())
	}
}

func TestWaitingForAPlaceEnds(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	c := newClient(t, settings{Base: env.base, MaxInFlight: 1, Timeout: 100 * time.Millisecond, Tokens: fixedToken{"T1"}})
	relay := c.Relay(appID)
	res, err := relay.RoundTrip(relayRequest(t, http.MethodGet, "/wxa/x", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, err = relay.RoundTrip(relayRequest(t, http.MethodGet, "/wxa/x", nil))
	var e *wechat.Error
	if !errors.Is(err, wechat.ErrUnavailable) || !errors.As(err, &e) || e.RetryAfter == 0 {
		t.Errorf("got %v", err)
	}
}

// A caller that goes away, or sends a broken body, is neither a failure nor a
// success of WeChat.
func TestCallersFaultsDoNotCount(t *testing.T) {
	t.Parallel()
	relay := relayTo(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wxa/slow" {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}
		w.WriteHeader(http.StatusBadGateway)
	})
	fail := func() { relayed(t, relay, relayRequest(t, http.MethodGet, "/wxa/x", nil)) }
	for range 9 {
		fail()
	}
	for range 2 {
		ctx, cancel := contextEndingSoon(t)
		if _, err := relay.RoundTrip(relayRequest(t, http.MethodGet, "/wxa/slow", nil).WithContext(ctx)); err == nil {
			t.Error("it answered")
		}
		cancel()
		body := http.MaxBytesReader(nil, io.NopCloser(bytes.NewReader(make([]byte, 1<<20))), 1<<19)
		if _, err := relay.RoundTrip(relayRequest(t, http.MethodPost, "/wxa/slow", body)); err == nil {
			t.Error("it answered")
		}
	}
	fail()
	if _, err := relay.RoundTrip(relayRequest(t, http.MethodGet, "/wxa/x", nil)); !errors.Is(err, wechat.ErrUnavailable) {
		t.Errorf("after ten failures: %v", err)
	}
}

func TestReloadForgetsAnOutageOnlyWithANewSecret(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	failLogins(t, env)
	asked := env.sim.Count(jscode2session)
	for i, key := range []secret.Text{appSecret, "another"} {
		env.setApps(t, wechat.App{ID: appID, Secret: key})
		_, _ = env.client.Login(t.Context(), appID, "code")
		if got := env.sim.Count(jscode2session) - asked; got != i {
			t.Errorf("after reload %d WeChat was asked %d times", i+1, got)
		}
	}
}

func TestSlowRelaysDoNotBlockLogins(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, func(o *settings, _ *wechattest.Options) { o.MaxInFlight = 1 })
	accessToken(t, env.client)
	relay := env.client.Relay(appID)
	res, err := relay.RoundTrip(relayRequest(t, http.MethodGet, "/wxa/x", nil))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextEndingSoon(t)
	defer cancel()
	if _, err := relay.RoundTrip(relayRequest(t, http.MethodGet, "/wxa/x", nil).WithContext(ctx)); err == nil {
		t.Error("two relays at once")
	}
	env.login(t, env.user(t, "alice"))
	_ = res.Body.Close()
	_ = res.Body.Close() // gives one place back, not two
	relayed(t, relay, relayRequest(t, http.MethodGet, "/wxa/x", nil))
}
