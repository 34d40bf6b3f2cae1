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

// failLogins makes enough logins fail to open the circuit breaker.
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
	before := env.sim.Count(jscode2session)
	_, err := env.client.Login(t.Context(), appID, "code")
	var e *wechat.Error
	if !errors.Is(err, wechat.ErrUnavailable) || !errors.As(err, &e) || e.RetryAfter < time.Second {
		t.Errorf("got %v", err)
	}
	if env.sim.Count(jscode2session) != before {
		t.Error("WeChat was called")
	}
	if env.log.FilterMessage("wechat circuit breaker").Len() != 1 {
		t.Error("no log line")
	}
}

func TestTimeoutsOpenTheCircuitBreaker(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, func(o *settings, _ *wechattest.Options) { o.Timeout = 50 * time.Millisecond })
	env.sim.AddFault(wechattest.Fault{Delay: time.Minute})
	for range 10 {
		_, _ = env.client.Login(t.Context(), appID, "code")
	}
	before := env.sim.Count(jscode2session)
	if _, err := env.client.Login(t.Context(), appID, "code"); !errors.Is(err, wechat.ErrUnavailable) {
		t.Error(err)
	}
	if env.sim.Count(jscode2session) != before {
		t.Error("WeChat was called")
	}
}

func TestCircuitBreakerClosesAfterASuccess(t *testing.T) {
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
	sendMessage(t, env.client, env.user(t, "alice").OpenID) // the relay's circuit breaker is closed
}

func TestCallsInFlightAreLimited(t *testing.T) {
	t.Parallel()
	var inFlight, maxInFlight atomic.Int32
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		maxInFlight.Store(max(maxInFlight.Load(), inFlight.Add(1)))
		<-release
		inFlight.Add(-1)
		respondWith(`{"openid":"o1","session_key":"a2V5"}`)(w, r)
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
	testkit.Within(t, 5*time.Second, "two logins in flight", func() bool { return inFlight.Load() == 2 })
	close(release)
	wg.Wait()
	if maxInFlight.Load() > 2 {
		t.Errorf("%d calls in flight", maxInFlight.Load())
	}
}

func TestWaitingForASlotTimesOut(t *testing.T) {
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

// A call that its caller cancels, or that has a broken body, counts neither as a failure
// nor as a success of WeChat.
func TestCallerErrorsDoNotCountForTheCircuitBreaker(t *testing.T) {
	t.Parallel()
	relay := relayTo(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wxa/slow" {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}
		w.WriteHeader(http.StatusBadGateway)
	})
	fail := func() { roundTrip(t, relay, relayRequest(t, http.MethodGet, "/wxa/x", nil)) }
	for range 9 {
		fail()
	}
	for range 2 {
		ctx, cancel := shortContext(t)
		if _, err := relay.RoundTrip(relayRequest(t, http.MethodGet, "/wxa/slow", nil).WithContext(ctx)); err == nil {
			t.Error("no error")
		}
		cancel()
		body := http.MaxBytesReader(nil, io.NopCloser(bytes.NewReader(make([]byte, 1<<20))), 1<<19)
		if _, err := relay.RoundTrip(relayRequest(t, http.MethodPost, "/wxa/slow", body)); err == nil {
			t.Error("no error")
		}
	}
	fail()
	if _, err := relay.RoundTrip(relayRequest(t, http.MethodGet, "/wxa/x", nil)); !errors.Is(err, wechat.ErrUnavailable) {
		t.Errorf("after ten failures: %v", err)
	}
}

func TestReloadResetsTheCircuitBreakerOnlyWithANewSecret(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	failLogins(t, env)
	before := env.sim.Count(jscode2session)
	for i, key := range []secret.Text{appSecret, "another"} {
		env.setApps(t, wechat.App{ID: appID, Secret: key})
		_, _ = env.client.Login(t.Context(), appID, "code")
		if got := env.sim.Count(jscode2session) - before; got != i {
			t.Errorf("%d calls of WeChat after reload %d", got, i+1)
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
	ctx, cancel := shortContext(t)
	defer cancel()
	if _, err := relay.RoundTrip(relayRequest(t, http.MethodGet, "/wxa/x", nil).WithContext(ctx)); err == nil {
		t.Error("two relayed calls in flight")
	}
	env.login(t, env.user(t, "alice"))
	_ = res.Body.Close()
	_ = res.Body.Close() // the second Close releases no other slot
	roundTrip(t, relay, relayRequest(t, http.MethodGet, "/wxa/x", nil))
}
