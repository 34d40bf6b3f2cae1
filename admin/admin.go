// Package admin serves the private listener: health, metrics, users and sessions for
// operators, and WeChat's API for backends, which need neither the AppSecret nor an
// access token.
//
// /healthz, /readyz, /metrics, the JWKS and the console's static page need no token;
// everything else needs one with the right scope. None of it is served on the public
// listener.
package admin

import (
	"cmp"
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"wxgate/session"
	"wxgate/wechat"
)

// Options are a Server's dependencies. All but ConsoleMetrics and the intervals are
// required.
type Options struct {
	Sessions *session.Store
	WeChat   *wechat.Client
	Metrics  Metrics
	Log      *zap.Logger
	Gateway  Gateway

	// ConsoleMetrics has the metrics that the console shows: those of requests,
	// sessions and reloads. It is gathered every SampleInterval. nil: Metrics
	ConsoleMetrics prometheus.Gatherer

	// Draining reports whether the process is shutting down, and so not ready.
	Draining func() bool

	// FailureInterval is the minimum time between two failed authentications from one
	// address, after a burst of ten; 0: 100 ms.
	FailureInterval time.Duration

	// SampleInterval is the time between two samples of ConsoleMetrics; 0: two seconds.
	SampleInterval time.Duration
}

// Metrics registers and gathers the process's metrics.
type Metrics interface {
	prometheus.Registerer
	prometheus.Gatherer
}

// Server serves the private listener.
type Server struct {
	Options
	current        atomic.Pointer[Config]
	authFailures   *prometheus.CounterVec
	throttle       *throttle
	authFailureLog *zap.Logger // rate-limited
	history        *metricsHistory
	streams        chan struct{} // a semaphore: one element for each open event stream
}

// New returns a server with its first configuration.
func New(o Options, c Config) *Server {
	if o.FailureInterval <= 0 {
		o.FailureInterval = 100 * time.Millisecond
	}
	if o.ConsoleMetrics == nil {
		o.ConsoleMetrics = o.Metrics
	}
	s := &Server{
		Options: o,
		authFailures: promauto.With(o.Metrics).NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_admin_auth_failures_total",
			Help: "Refused authentications on the private listener, by reason: missing or unknown token, or a scope or app that the token does not have.",
		}, []string{"reason"}),
		throttle: newThrottle(o.FailureInterval),
		history:  newMetricsHistory(o.ConsoleMetrics, time.Now, o.Log),
		streams:  make(chan struct{}, maxEventStreams),
		authFailureLog: o.Log.Named("audit").WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core {
			return zapcore.NewSamplerWithOptions(core, time.Second, 100, 100) // an attack must not fill the disk
		})),
	}
	s.Configure(c)
	return s
}

// Run samples the metrics that the console shows until ctx ends. It then ends the
// console's event streams.
func (s *Server) Run(ctx context.Context) {
	s.history.run(ctx, cmp.Or(s.SampleInterval, sampleInterval))
}

// Config is the part of a Server's configuration that a reload can change.
type Config struct {
	Tokens []Token
	Relay  map[string][]string // by appid, of every configured app: the WeChat API paths that may be relayed; "/x/*" includes all below
}

// Configure replaces the configuration for the requests that follow.
func (s *Server) Configure(c Config) { s.current.Store(&c) }

func (s *Server) config() Config { return *s.current.Load() }

// checkApp refuses an appid that is not configured: a misspelt one must not look
// like a success.
func (s *Server) checkApp(appid string) error {
	if _, ok := s.config().Relay[appid]; !ok {
		return wechat.ErrUnknownApp
	}
	return nil
}

// withoutCancel returns the request's context without its cancellation: a change that
// has begun is completed even if the client disconnects.
func withoutCancel(r *http.Request) context.Context { return context.WithoutCancel(r.Context()) }
