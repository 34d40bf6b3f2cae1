package proxy

import (
	"maps"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"wxgate/internal/httprule"
)

// Metrics counts what the public listener does. One is made per process, it
// outlives reloads.
type Metrics struct {
	requests       *prometheus.CounterVec
	durations      *prometheus.HistogramVec
	logins         *prometheus.CounterVec
	openWebSockets prometheus.Gauge
	inFlight       prometheus.Gauge
	proofs         *prometheus.CounterVec
	pushes         *prometheus.CounterVec
	prefetches     *prometheus.CounterVec
	errors         *prometheus.CounterVec

	byRoute sync.Map // route name to *routeMetrics
}

// NewMetrics registers the public listener's metrics; a nil registry keeps
// them private.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	f := promauto.With(reg)
	return &Metrics{
		requests: f.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_requests_total",
			Help: "Requests answered, by route name, method and status (499: the client went away).",
		}, []string{"route", "method", "status"}),
		durations: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "wxgate_request_duration_seconds",
			Help: "Time from the request's header to the last byte of the answer; upgraded connections are left out.",
			// None is a whole number: OpenMetrics writes those in another form.
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1.5, 2.5, 7.5, 15.5, 30.5},
		}, []string{"route"}),
		errors: f.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_errors_total",
			Help: "Requests that ended with an error of the gateway's own, by its code; streams that were cut off included.",
		}, []string{"code"}),
		logins: f.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_logins_total",
			Help: "Logins by appid and outcome: ok, or the error code.",
		}, []string{"appid", "outcome"}),
		openWebSockets: f.NewGauge(prometheus.GaugeOpts{
			Name: "wxgate_websockets_open",
			Help: "WebSocket connections open through this instance.",
		}),
		inFlight: f.NewGauge(prometheus.GaugeOpts{
			Name: "wxgate_requests_in_flight",
			Help: "Requests being served now, open streams included.",
		}),
		pushes: f.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_pushes_total",
			Help: "Messages of WeChat's push by appid and outcome: ok, repeated, under_way, refused, failed.",
		}, []string{"appid", "outcome"}),
		prefetches: f.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_prefetches_total",
			Help: "Calls of WeChat's pre-fetch by appid and outcome: ok, or the error code.",
		}, []string{"appid", "outcome"}),
		proofs: f.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_proofs_total",
			Help: "Requests on routes with proof, by route and outcome: ok, or the error code that sign answers with.",
		}, []string{"route", "outcome"}),
	}
}

func (m *Metrics) count(rc *requestContext, took time.Duration) {
	m.inFlight.Dec()
	var route *routeMetrics
	if rc.route != nil {
		route = rc.route.metrics
	} else {
		route = m.route(rc.routeName)
	}
	route.counter(methodLabel(rc.r.Method), rc.status).Inc()
	if rc.status != http.StatusSwitchingProtocols {
		rc.observe(route.duration, took.Seconds())
	}
	if rc.gatewayError != nil {
		m.errors.WithLabelValues(string(rc.gatewayError.Code)).Inc()
	}
}

// routeMetrics are one route's metrics, resolved once: looking labels up costs
// more than counting.
type routeMetrics struct {
	name     string
	requests *prometheus.CounterVec
	duration prometheus.Observer

	mu       sync.Mutex
	counters atomic.Pointer[map[methodAndStatus]prometheus.Counter] // replaced, never changed
}

type methodAndStatus struct {
	method string
	status int
}

// route gives the metrics of a route's name.
func (m *Metrics) route(name string) *routeMetrics {
	if known, ok := m.byRoute.Load(name); ok {
		return known.(*routeMetrics)
	}
	made := &routeMetrics{name: name, requests: m.requests, duration: m.durations.WithLabelValues(name)}
	made.counters.Store(&map[methodAndStatus]prometheus.Counter{})
	known, _ := m.byRoute.LoadOrStore(name, made)
	return known.(*routeMetrics)
}

func (r *routeMetrics) counter(method string, status int) prometheus.Counter {
	key := methodAndStatus{method, status}
	if known, ok := (*r.counters.Load())[key]; ok {
		return known
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	all := maps.Clone(*r.counters.Load())
	all[key] = r.requests.WithLabelValues(r.name, method, strconv.Itoa(status))
	r.counters.Store(&all)
	return all[key]
}

// methodLabel bounds the label: a client chooses the method.
func methodLabel(method string) string {
	if httprule.IsDefaultMethod(method) {
		return method
	}
	return "other"
}
