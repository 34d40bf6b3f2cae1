package proxy

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"wxgate/internal/httprule"
)

// Metrics counts what the public listener does. One is made per process, it
// outlives reloads.
type Metrics struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	logins    *prometheus.CounterVec
	sockets   prometheus.Gauge
	inFlight  prometheus.Gauge
	proofs    *prometheus.CounterVec
	pushes    *prometheus.CounterVec
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
			Name:    "wxgate_request_duration_seconds",
			Help:    "Time from the request's header to the last byte of the answer; upgraded connections are left out.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route"}),
		logins: f.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_logins_total",
			Help: "Logins by appid and outcome: ok, or the error code.",
		}, []string{"appid", "outcome"}),
		sockets: f.NewGauge(prometheus.GaugeOpts{
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
		proofs: f.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_proofs_total",
			Help: "Requests on routes with proof, by route and outcome: ok, or the error code that sign answers with.",
		}, []string{"route", "outcome"}),
	}
}

func (m *Metrics) count(rc *requestContext, took time.Duration) {
	m.inFlight.Dec()
	m.requests.WithLabelValues(rc.routeName, methodLabel(rc.r.Method), strconv.Itoa(rc.status)).Inc()
	if rc.status != http.StatusSwitchingProtocols {
		m.durations.WithLabelValues(rc.routeName).Observe(took.Seconds())
	}
}

// methodLabel bounds the label: a client chooses the method.
func methodLabel(method string) string {
	if httprule.UsualMethod(method) {
		return method
	}
	return "other"
}
