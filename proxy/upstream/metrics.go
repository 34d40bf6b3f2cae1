package upstream

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics are the counters and gauges of all groups of the process. Label values are
// names and URLs of the configuration, never addresses from DNS or parts of a request.
type Metrics struct {
	picks           *prometheus.CounterVec
	failures        *prometheus.CounterVec
	retries         *prometheus.CounterVec
	budgetExhausted *prometheus.CounterVec
	up              *prometheus.GaugeVec
	inFlight        *prometheus.GaugeVec

	mu   sync.Mutex
	refs map[[2]string]int // groups that use the series of {group, target}
}

// NewMetrics registers the collectors with reg. nil: they are not registered.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	with := promauto.With(reg)
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return with.NewCounterVec(prometheus.CounterOpts{Namespace: "wxgate", Subsystem: "upstream", Name: name, Help: help}, labels)
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		return with.NewGaugeVec(prometheus.GaugeOpts{Namespace: "wxgate", Subsystem: "upstream", Name: name, Help: help}, []string{"group", "target"})
	}
	return &Metrics{
		picks:           counter("picks_total", "Requests sent to a target, retries included.", "group", "target"),
		failures:        counter("failures_total", "Failures of a target by reason: connect, connection, timeout, response, status, health.", "group", "target", "reason"),
		retries:         counter("retries_total", "Requests retried at another target.", "group"),
		budgetExhausted: counter("retry_budget_exhausted_total", "Retries not made because the retry budget was exhausted.", "group"),
		up:              gauge("target_up", "1 while at least one address of the target is healthy and not ejected, else 0."),
		inFlight:        gauge("in_flight_requests", "Requests and streams in flight at a target."),
		refs:            map[[2]string]int{},
	}
}

// targetMetrics are the series of one target.
type targetMetrics struct {
	picks    prometheus.Counter
	failures map[string]prometheus.Counter
	up       prometheus.Gauge
	inFlight prometheus.Gauge
}

// acquire returns a target's series. During a reload two groups of one name may exist:
// the gauge is removed when the last one has released it.
func (m *Metrics) acquire(group, target string) *targetMetrics {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refs[[2]string{group, target}]++
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

// release reverses acquire. The counters stay, since counters must not decrease.
func (m *Metrics) release(group, target string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := [2]string{group, target}
	if m.refs[key]--; m.refs[key] > 0 {
		return
	}
	delete(m.refs, key)
	m.up.DeleteLabelValues(group, target)
}
