package wechat_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"wxgate/wechat"
	"wxgate/wechat/wechattest"
)

// failLogins makes as many logins fail as it takes WeChat to be found away.
func failLogins(t *testing.T, w *world) {
	t.Helper()
	w.sim.AddFault(wechattest.Fault{API: jscode2session, Status: 502})
	for range 10 {
		if _, err := w.client.Login(t.Context(), appID, "code"); !errors.Is(err, wechat.ErrUnavailable) {
			t.Fatal(err)
		}
	}
}

func TestWeChatThatIsAwayIsNotAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	failLogins(t, w)
	asked := w.sim.Count(jscode2session)
	_, err := w.client.Login(t.Context(), appID, "code")
	var e *wechat.Error
	if !errors.Is(err, wechat.ErrUnavailable) || !errors.As(err, &e) || e.RetryAfter < time.Second {
		t.Errorf("got %v", err)
	}
	if w.sim.Count(jscode2session) != asked {
		t.Error("WeChat was asked")
	}
	if w.log.FilterMessage("wechat breaker").Len() != 1 {
		t.Error("nobody was told")
	}
}

func TestSlowWeChatSoonCostsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *wechat.Options, _ *wechattest.Options) { o.Timeout = 50 * time.Millisecond })
	w.sim.AddFault(wechattest.Fault{Delay: time.Minute})
	for range 10 {
		_, _ = w.client.Login(t.Context(), appID, "code")
	}
	asked := w.sim.Count(jscode2session)
	if _, err := w.client.Login(t.Context(), appID, "code"); !errors.Is(err, wechat.ErrUnavailable) {
		t.Error(err)
	}
	if w.sim.Count(jscode2session) != asked {
		t.Error("a login waited for WeChat")
	}
}

func TestWeChatIsTriedAgainAfterThePause(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *wechat.Options, _ *wechattest.Options) { o.Pause = 20 * time.Millisecond })
	failLogins(t, w)
	w.sim.ClearFaults()
	u := w.user(t, "alice")
	within(t, 5*time.Second, "a login", func() bool {
		_, err := w.client.Login(t.Context(), appID, u.Code())
		return err == nil
	})
	w.login(t, u)
}

func TestRefusalsDoNotCloseTheDoor(t *testing.T) {
	t.Parallel()
	for _, errcode := range []int{40029, 40226, 45011, 45009, 40125} {
		w := newWorld(t)
		w.sim.AddFault(wechattest.Fault{Errcode: errcode, Times: 50})
		for range 50 {
			_, _ = w.client.Login(t.Context(), appID, "code")
		}
		w.login(t, w.user(t, "alice"))
	}
}

func TestOneAppsOutageIsItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *wechat.Options, o *wechattest.Options) {
		o.Apps = append(o.Apps, wechattest.App{ID: "wx2", Secret: "s2"})
	})
	w.client.SetApps([]wechat.App{{ID: appID, Secret: appSecret}, {ID: "wx2", Secret: "s2"}})
	failLogins(t, w)
	w.sim.ClearFaults()
	u, err := w.sim.User("wx2", "bob")
	if err != nil {
		t.Fatal(err)
	}
	w.login(t, u)
	send(t, w.client, w.user(t, "alice").OpenID) // and so is one kind of call's
}

func TestCallsUnderWayAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *wechat.Options, _ *wechattest.Options) {
		o.MaxInFlight, o.Timeout = 2, 300*time.Millisecond
	})
	w.sim.AddFault(wechattest.Fault{API: jscode2session, Delay: time.Minute})
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if _, err := w.client.Login(t.Context(), appID, "code"); !errors.Is(err, wechat.ErrUnavailable) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := w.sim.Count(jscode2session); n > 4 {
		t.Errorf("%d calls reached WeChat", n)
	}
}

func TestSlowRelaysKeepNobodyFromLoggingIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *wechat.Options, _ *wechattest.Options) { o.MaxInFlight = 1 })
	accessToken(t, w.client)
	relay := w.client.Relay(appID)
	res, err := relay.RoundTrip(relayRequest(t, http.MethodGet, "/wxa/x", nil))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextEndingSoon(t)
	defer cancel()
	if _, err := relay.RoundTrip(relayRequest(t, http.MethodGet, "/wxa/x", nil).WithContext(ctx)); err == nil {
		t.Error("two relays at once")
	}
	w.login(t, w.user(t, "alice"))
	_ = res.Body.Close()
	_ = res.Body.Close() // gives one place back, not two
	relayed(t, relay, relayRequest(t, http.MethodGet, "/wxa/x", nil))
}
