package session

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// counted is what a counter or a gauge shows.
func counted(m prometheus.Metric) float64 {
	var out dto.Metric
	if err := m.Write(&out); err != nil {
		panic(err)
	}
	if out.Gauge != nil {
		return out.Gauge.GetValue()
	}
	return out.Counter.GetValue()
}

func TestMetricsSayWhatHappened(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	s := openStore(t, nil, func(o *Config) { o.Registry = registry })
	token, session := logIn(t, s, "oA")
	authenticated(t, s, token)
	stop := s.Watch(authenticated(t, s, token), func() {})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "wxgate_") || f.GetHelp() == "" {
			t.Errorf("metric %s: %q", f.GetName(), f.GetHelp())
		}
		for _, m := range f.Metric {
			name := f.GetName()
			for _, l := range m.Label {
				name += " " + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"wxgate_sessions_started_total": 1, "wxgate_sessions_cached": 1, "wxgate_session_lookups_total hit": 1,
		"wxgate_session_lookups_total miss": 1, "wxgate_live_streams": 1, "wxgate_redis_subscription_up": 1,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, not %v", name, got[name], want)
		}
	}
	stop.Stop()
	stop.Stop()
	if n := counted(s.metrics.watched); n != 0 {
		t.Errorf("%v streams after the last was stopped", n)
	}
	if _, err := s.End(t.Context(), session.ID, CauseLogout); err != nil {
		t.Fatal(err)
	}
	if n := counted(s.metrics.ended.WithLabelValues("logout")); n != 1 {
		t.Errorf("%v sessions logged out", n)
	}
}
