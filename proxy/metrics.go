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

// Metrics are the metrics of the public listener. A process makes one; reloads keep it.
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

// NewMetrics registers the public listener's metrics. With a nil registry they are not
// exposed.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	f := promauto.With(reg)
	return &Metrics{
		requests: f.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_requests_total",
			Help: "Requests served, by route name, method and status (499: the client closed the connection).",
		}, []string{"route", "method", "status"}),
		durations: f.NewHistogramVec(prometheus.HistogramOpts{
			Name: "wxgate_request_duration_seconds",
			Help: "Time from the request header to the last byte of the response, without upgraded connections.",
			// No whole numbers: OpenMetrics formats those differently (5 becomes 5.0), and a
			// query that names a bucket would depend on the format.
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1.5, 2.5, 7.5, 15.5, 30.5},
		}, []string{"route"}),
		errors: f.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_errors_total",
			Help: "Requests that ended with an error of the gateway itself, by error code, aborted streams included.",
		}, []string{"code"}),
		logins: f.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_logins_total",
			Help: "Logins by appid and outcome: ok, or the error code.",
		}, []string{"appid", "outcome"}),
		openWebSockets: f.NewGauge(prometheus.GaugeOpts{
			Name: "wxgate_websockets_open",
			Help: "Open WebSocket connections.",
		}),
		inFlight: f.NewGauge(prometheus.GaugeOpts{
			Name: "wxgate_requests_in_flight",
			Help: "Requests being served, open streams included.",
		}),
		pushes: f.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_pushes_total",
			Help: "WeChat push messages by appid and outcome: ok, repeated, under_way, refused, failed.",
		}, []string{"appid", "outcome"}),
		prefetches: f.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_prefetches_total",
			Help: "WeChat pre-fetch calls by appid and outcome: ok, or the error code.",
		}, []string{"appid", "outcome"}),
		proofs: f.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_proofs_total",
			Help: "Requests on routes with proof, by route and outcome: ok, or the error code that proof: sign responds with.",
		}, []string{"route", "outcome"}),
	}
}

// recordRequest counts a finished request.
func (m *Metrics) recordRequest(r *requestRecord, duration time.Duration) {
	m.inFlight.Dec()
	var route *routeMetrics
	if r.route != nil {
		route = r.route.metrics
	} else {
		route = m.route(r.routeName)
	}
	route.counter(methodLabel(r.method), r.status).Inc()
	if r.status != http.StatusSwitchingProtocols {
		r.observeWithTrace(route.duration, duration.Seconds())
	}
	if r.gatewayError != nil {
		m.errors.WithLabelValues(string(r.gatewayError.Code)).Inc()
	}
}

// routeMetrics caches the metrics of one route: a look-up by labels costs more than the
// increment.
type routeMetrics struct {
	name     string
	requests *prometheus.CounterVec
	duration prometheus.Observer

	mu       sync.Mutex
	counters atomic.Pointer[map[methodAndStatus]prometheus.Counter] // the map is replaced, never changed
}

type methodAndStatus struct {
	method string
	status int
}

// route returns the metrics of a route by name.
func (m *Metrics) route(name string) *routeMetrics {
	if existing, ok := m.byRoute.Load(name); ok {
		return existing.(*routeMetrics)
	}
	created := &routeMetrics{name: name, requests: m.requests, duration: m.durations.WithLabelValues(name)}
	created.counters.Store(&map[methodAndStatus]prometheus.Counter{})
	actual, _ := m.byRoute.LoadOrStore(name, created)
	return actual.(*routeMetrics)
}

func (r *routeMetrics) counter(method string, status int) prometheus.Counter {
	key := methodAndStatus{method, status}
	if c, ok := (*r.counters.Load())[key]; ok {
		return c
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	all := maps.Clone(*r.counters.Load())
	all[key] = r.requests.WithLabelValues(r.name, method, strconv.Itoa(status))
	r.counters.Store(&all)
	return all[key]
}

// methodLabel limits the values of the label: a client can send any method.
func methodLabel(method string) string {
	if httprule.IsDefaultMethod(method) {
		return method
	}
	return "other"
}
