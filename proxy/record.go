package proxy

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"wxgate/internal/httprule"
)

// Metrics counts what the public listener does. One is made per process, it
// outlives reloads.
type Metrics struct {
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	logins    *prometheus.CounterVec
	tunnels   prometheus.Gauge
	inFlight  prometheus.Gauge
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
		tunnels: f.NewGauge(prometheus.GaugeOpts{
			Name: "wxgate_websockets_open",
			Help: "WebSocket connections open through this instance.",
		}),
		inFlight: f.NewGauge(prometheus.GaugeOpts{
			Name: "wxgate_requests_in_flight",
			Help: "Requests being served now, open streams included.",
		}),
	}
}

// finish writes the one access-log line and counts the request.
func (g *Gateway) finish(x *exchange) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	took := time.Since(x.start)
	g.Metrics.inFlight.Dec()
	g.Metrics.requests.WithLabelValues(x.label, methodLabel(x.r.Method), strconv.Itoa(x.status)).Inc()
	if x.status != http.StatusSwitchingProtocols {
		g.Metrics.durations.WithLabelValues(x.label).Observe(took.Seconds())
	}
	g.logAccess(x, took)
}

// methodLabel bounds the label: a client chooses the method.
func methodLabel(method string) string {
	if httprule.UsualMethod(method) {
		return method
	}
	return "other"
}

// logAccess writes the line. A refusal that the gateway made goes through a
// sampler, so that a flood of bad requests can't fill the disk; the counters
// stay exact.
func (g *Gateway) logAccess(x *exchange, took time.Duration) {
	log, level := g.access, zapcore.InfoLevel
	if x.fault != nil && x.status < 500 {
		log = g.refusals
	}
	if x.status >= 500 {
		level = zapcore.WarnLevel
	}
	entry := log.Check(level, "request")
	if entry == nil {
		return
	}
	list := fieldLists.Get().(*[16]zap.Field)
	defer fieldLists.Put(list)
	fields := append(list[:0],
		zap.String("method", clip(x.r.Method, 32)),
		zap.String("path", clip(x.r.URL.Path, maxLoggedPath)),
		zap.String("route", x.label),
		zap.Int("status", x.status),
		zap.Duration("duration", took),
		zap.Int64("bytes", x.bytes),
		zap.String("request_id", x.id),
		zap.String("client", x.clientText))
	if s := x.session(); s != nil {
		fields = append(fields, zap.String("openid", s.OpenID), zap.String("appid", s.AppID))
	}
	if x.fault != nil {
		fields = append(fields, zap.String("error", string(x.fault.Code)))
		if x.fault.Cause != nil {
			fields = append(fields, zap.NamedError("cause", x.fault.Cause))
		}
	}
	entry.Write(fields...)
}

// fieldLists holds the arrays that lines are put together in.
var fieldLists = sync.Pool{New: func() any { return new([16]zap.Field) }}

// maxLoggedPath bounds what a client can make the gateway write.
const maxLoggedPath = 1024

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
