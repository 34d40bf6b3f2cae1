package wechat_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"wxgate/wechat/wechattest"
)

// gathered returns the value of each metric, or the count of a histogram, by name and
// labels.
func gathered(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			values[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return values
}

func TestMetricsCountCallsByErrcode(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	env := newTestEnv(t, func(o *settings, _ *wechattest.Options) { o.Registry = reg })
	env.login(t, env.user(t, "alice"))
	for _, f := range []wechattest.Fault{{Errcode: 40029}, {Errcode: 12345}, {Errcode: 54321}, {Status: 500}} {
		f.Times = 1
		env.sim.AddFault(f)
		_, _ = env.client.Login(t.Context(), appID, "code")
	}
	accessToken(t, env.client)
	roundTrip(t, env.client.Relay(appID), relayRequest(t, "GET", "/wxa/any/path", nil))
	got := gathered(t, reg)
	for name, want := range map[string]float64{
		"wxgate_wechat_calls_total /sns/jscode2session 0":         1,
		"wxgate_wechat_calls_total /sns/jscode2session 40029":     1,
		"wxgate_wechat_calls_total /sns/jscode2session other":     2,
		"wxgate_wechat_calls_total /sns/jscode2session none":      1,
		"wxgate_wechat_calls_total /cgi-bin/stable_token 0":       1,
		"wxgate_wechat_calls_total /relay other":                  1,
		"wxgate_wechat_call_duration_seconds /sns/jscode2session": 5,
		"wxgate_wechat_token_refreshes_total " + appID + " new":   1,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	for name := range got {
		if strings.Contains(name, "any/path") || strings.Contains(name, "12345") {
			t.Errorf("unbounded label: %s", name)
		}
	}
}

func TestBreakerMetricIsDeletedWithItsApp(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	env := newTestEnv(t, func(o *settings, _ *wechattest.Options) { o.Registry = reg })
	failLogins(t, env)
	name := "wxgate_wechat_breaker_state " + appID + " login"
	if got := gathered(t, reg)[name]; got != 2 {
		t.Errorf("an open circuit breaker has the value %v", got)
	}
	env.setApps(t)
	for name := range maps.Keys(gathered(t, reg)) {
		if strings.Contains(name, appID) {
			t.Errorf("not deleted: %s", name)
		}
	}
}
