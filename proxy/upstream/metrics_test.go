package upstream

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// groupWithMetrics opens a group with the metrics, closed at the test's end.
func groupWithMetrics(t *testing.T, m *Metrics, c Config) *Group {
	t.Helper()
	c.Name = "api"
	g, err := New(c, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func TestMetricsCountPicksFailuresAndRetries(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewPedanticRegistry()
	m := NewMetrics(reg)
	refused := refusedURL
	backend, b := serveCounting(t, "b")
	g := groupWithMetrics(t, m, Config{Targets: targets(t, refused, b), Retries: 1, Eject: Eject{Failures: 1, For: time.Hour}})
	get(t, g, "/")
	backend.code.Store(503)
	get(t, g, "/")
	want := strings.NewReplacer("REFUSED", refused, "B", b).Replace(`
# HELP wxgate_upstream_picks_total Requests sent to a target, retries included.
# TYPE wxgate_upstream_picks_total counter
wxgate_upstream_picks_total{group="api",target="B"} 2
wxgate_upstream_picks_total{group="api",target="REFUSED"} 1
# HELP wxgate_upstream_retries_total Requests retried at another target.
# TYPE wxgate_upstream_retries_total counter
wxgate_upstream_retries_total{group="api"} 1
`)
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "wxgate_upstream_picks_total", "wxgate_upstream_retries_total"); err != nil {
		t.Error(err)
	}
	for reason, target := range map[string]string{reasonConnect: refused, reasonStatus: b} {
		if n := testutil.ToFloat64(m.failures.WithLabelValues("api", target, reason)); n != 1 {
			t.Errorf("%v failures by %s", n, reason)
		}
	}
	if up := testutil.ToFloat64(m.up.WithLabelValues("api", refused)); up != 0 {
		t.Error("an ejected target is up")
	}
}

func TestAnExhaustedRetryBudgetIsCounted(t *testing.T) {
	t.Parallel()
	m := NewMetrics(nil)
	g := groupWithMetrics(t, m, Config{Targets: targets(t, refusedURL, refusedURL), Retries: 1})
	for range 40 {
		get(t, g, "/")
	}
	if n := testutil.ToFloat64(m.budgetExhausted.WithLabelValues("api")); n == 0 {
		t.Error("nothing counted")
	}
}

func TestMetricSeriesSurviveAReloadAndEndWithTheTarget(t *testing.T) {
	t.Parallel()
	m := NewMetrics(nil)
	_, a := serveCounting(t, "a")
	old := groupWithMetrics(t, m, Config{Targets: targets(t, a)})
	next := groupWithMetrics(t, m, Config{Targets: targets(t, a)})
	old.Close()
	old.Close()
	if n := testutil.CollectAndCount(m.up); n != 1 {
		t.Errorf("%d series while one group is open", n)
	}
	next.Close()
	if n := testutil.CollectAndCount(m.up); n != 0 {
		t.Errorf("%d series after all are closed", n)
	}
}
