package upstream

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics counts for all groups of the process. Its labels are names and URLs
// of the configuration, never addresses that DNS gave or anything of a request.
type Metrics struct {
	picks     *prometheus.CounterVec
	failures  *prometheus.CounterVec
	retries   *prometheus.CounterVec
	exhausted *prometheus.CounterVec
	up        *prometheus.GaugeVec
	inFlight  *prometheus.GaugeVec

	mu    sync.Mutex
	users map[[2]string]int // groups that hold the series of group, target
}

// NewMetrics registers the collectors with reg; nil: they are kept, unregistered.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	with := promauto.With(reg)
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return with.NewCounterVec(prometheus.CounterOpts{Namespace: "wxgate", Subsystem: "upstream", Name: name, Help: help}, labels)
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return with.NewGaugeVec(prometheus.GaugeOpts{Namespace: "wxgate", Subsystem: "upstream", Name: name, Help: help}, []string{"group", "target"})
	}
	return &Metrics{
		picks:     counter("picks_total", "Requests sent to a target, retries included.", "group", "target"),
		failures:  counter("failures_total", "Failures of a target by reason: connect, connection, timeout, response, status, health.", "group", "target", "reason"),
		retries:   counter("retries_total", "Requests sent once more, to another target.", "group"),
		exhausted: counter("retry_budget_exhausted_total", "Retries not made because too many were made already.", "group"),
		up:        gauge("target_up", "1 while the target takes its share of requests, 0 while checks or ejection keep all its addresses out."),
		inFlight:  gauge("in_flight_requests", "Requests and streams that a target is busy with."),
		users:     map[[2]string]int{},
	}
}

// targetMetrics are the series of one target, looked up once.
type targetMetrics struct {
	picks    prometheus.Counter
	failures map[string]prometheus.Counter
	up       prometheus.Gauge
	inFlight prometheus.Gauge
}

// acquire returns a target's series. A reload has two groups of one name for a
// while: the series go when the last one lets go.
func (m *Metrics) acquire(group, target string) *targetMetrics {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.users[[2]string{group, target}]++
	t := &targetMetrics{
		picks:    m.picks.WithLabelValues(group, target),
		failures: map[string]prometheus.Counter{},
		up:       m.up.WithLabelValues(group, target),
		inFlight: m.inFlight.WithLabelValues(group, target),
	}
	for _, reason := range []string{reasonConnect, reasonConnection, reasonTimeout, reasonResponse, reasonStatus, reasonHealth} {
		t.failures[reason] = m.failures.WithLabelValues(group, target, reason)
	}
	return t
}

// release gives up what acquire returned. The counters stay: their sums are
// still true.
func (m *Metrics) release(group, target string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := [2]string{group, target}
	if m.users[key]--; m.users[key] > 0 {
		return
	}
	delete(m.users, key)
	m.up.DeleteLabelValues(group, target)
}
