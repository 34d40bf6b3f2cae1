// Package admin is the private listener: health, metrics, users and sessions
// for operators, and WeChat's API for backends without AppSecret or access
// token in their hands.
//
// /healthz, /readyz, /metrics, the JWKS and the console's page, which shows nothing
// by itself, are open; everything else asks for a token with the right scope. None of
// it is served on the public listener.
package admin

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"wxgate/admin/console"
	"wxgate/apierror"
	"wxgate/internal/httprule"
	"wxgate/session"
	"wxgate/wechat"
)

// Options is what a Server is built on for its whole life. All but Figures
// and the intervals are required.
type Options struct {
	Sessions *session.Store
	WeChat   *wechat.Client
	Metrics  Metrics
	Log      *zap.Logger
	Gateway  Gateway

	// Figures has the metrics that the console's figures come from: those of requests,
	// sessions and reloads. It is read every two seconds. nil: Metrics
	Figures prometheus.Gatherer

	// Draining reports whether the process is about to stop: not ready then.
	Draining func() bool

	// FailureInterval is the least time between two failed authentications of one
	// address, once it has had ten of them at once; 0: 100 ms.
	FailureInterval time.Duration

	// SampleInterval is the time between two samples of the figures that the console
	// shows; 0: two seconds.
	SampleInterval time.Duration
}

// Metrics is where the process's metrics are registered and read.
type Metrics interface {
	prometheus.Registerer
	prometheus.Gatherer
}

// Server serves the private listener.
type Server struct {
	Options
	current      atomic.Pointer[Config]
	authFailures *prometheus.CounterVec
	throttle     *throttle
	failures     *zap.Logger // of failed authentications, sampled
	figures      *figures
	streams      chan struct{} // has an element for each open event stream
}

// New makes a server with the config in force.
func New(o Options, c Config) *Server {
	if o.FailureInterval <= 0 {
		o.FailureInterval = 100 * time.Millisecond
	}
	if o.Figures == nil {
		o.Figures = o.Metrics
	}
	s := &Server{
		Options: o,
		authFailures: promauto.With(o.Metrics).NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_admin_auth_failures_total",
			Help: "Refused authentications on the private listener: no token, an unknown token, a scope or an app that the token has not.",
		}, []string{"reason"}),
		throttle: newThrottle(o.FailureInterval),
		figures:  newFigures(o.Figures, time.Now, o.Log),
		streams:  make(chan struct{}, maxEventStreams),
		failures: o.Log.Named("audit").WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core {
			return zapcore.NewSamplerWithOptions(core, time.Second, 100, 100) // a flood must not fill the disk
		})),
	}
	s.Configure(c)
	return s
}

// Run takes the figures that the console shows until ctx ends, and ends its streams
// then.
func (s *Server) Run(ctx context.Context) {
	s.figures.run(ctx, cmp.Or(s.SampleInterval, sampleInterval))
}

// Config is what a reload may change.
type Config struct {
	Tokens []Token
	Relay  map[string][]string // WeChat API paths that may be called, for each configured appid; "/x/*" takes all below
}

// Configure puts another config in force for the requests to come.
func (s *Server) Configure(c Config) { s.current.Store(&c) }

func (s *Server) config() Config { return *s.current.Load() }

// Bounds of what a caller may send.
const (
	maxBody  = 1 << 20   // JSON calls
	maxRelay = 100 << 20 // relayed bodies; WeChat's own largest upload is far below
)

// Handler is the private listener's http.Handler.
func (s *Server) Handler() http.Handler {
	mux := chi.NewRouter()
	mux.Use(s.setRequestID, s.checkPath, limitBody, middleware.GetHead)
	s.openCalls(mux)
	mux.Route("/api", func(api chi.Router) {
		api.With(s.requireScope(ScopeAdmin)).Group(s.adminCalls)
		api.With(s.requireScope(ScopeAdmin), s.requireAllApps).Group(s.gatewayCalls)
		api.With(s.requireScope(ScopeAdmin, ScopeWeChat, ScopeToken)).Get("/token", s.handler(s.showToken))
		api.With(s.requireScope(ScopeWeChat)).Group(s.wechatCalls)
	})
	mux.With(s.requireScope(ScopeWeChat, ScopeToken)).HandleFunc("/wx/{appid}/*", s.handler(s.relay))
	mux.NotFound(func(w http.ResponseWriter, r *http.Request) {
		writeError(w, r, apierror.New(apierror.NotFound, "there is no such call"))
	})
	mux.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		e := apierror.New(apierror.MethodNotAllowed, "this method is not served here")
		e.Allow = allowed(mux, r.URL.Path)
		writeError(w, r, e)
	})
	return mux
}

// openCalls take no token.
func (s *Server) openCalls(mux chi.Router) {
	mux.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, status{"ok", nil}) })
	mux.Get("/readyz", s.ready)
	mux.Method(http.MethodGet, "/metrics", promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	mux.Get(httprule.JWKSPath, func(w http.ResponseWriter, _ *http.Request) { httprule.WriteJWKS(w, s.Sessions.JWKS()) })

	page := console.New()
	mux.Get("/console", console.Redirect)
	mux.Get(console.Path+"*", s.handler(page.Serve))
}

// allowed is the Allow header of a path.
func allowed(mux *chi.Mux, path string) string {
	var methods []string
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		if mux.Match(chi.NewRouteContext(), method, path) {
			methods = append(methods, method)
		}
	}
	return strings.Join(methods, ", ")
}

func (s *Server) adminCalls(api chi.Router) {
	api.Get("/users", s.handler(s.findUsers))
	api.Get("/users/{appid}/{openid}", s.handler(s.showUser))
	api.Delete("/users/{appid}/{openid}/sessions", s.handler(s.endAll))
	api.Put("/users/{appid}/{openid}/ban", s.handler(s.ban))
	api.Delete("/users/{appid}/{openid}/ban", s.handler(s.unban))
	api.Post("/users/{appid}/{openid}/reset-session-key", s.handler(s.resetKey))
	api.Get("/sessions/{sid}", s.handler(s.showSession))
	api.Delete("/sessions/{sid}", s.handler(s.endSession))
	api.Delete("/apps/{appid}/sessions", s.handler(s.endApp))
	api.Get("/audit", s.handler(s.showAudit))
}

// gatewayCalls are about the gateway as a whole.
func (s *Server) gatewayCalls(api chi.Router) {
	api.Get("/status", s.handler(s.showStatus))
	api.Get("/history", s.handler(s.showHistory))
	api.Get("/events", s.handler(s.streamEvents))
	api.Get("/upstreams", s.handler(s.showUpstreams))
	api.Get("/routes", s.handler(s.showRoutes))
	api.Post("/explain", s.handler(s.explain))
	api.Get("/config", s.handler(s.showConfig))
}

func (s *Server) wechatCalls(api chi.Router) {
	api.Post("/users/{appid}/{openid}/decrypt", s.handler(s.decrypt))
	api.Post("/users/{appid}/{openid}/sign", s.handler(s.sign))
}

// userOf gives the user that a call is about.
func userOf(r *http.Request) (appid, openid string) {
	return chi.URLParam(r, "appid"), chi.URLParam(r, "openid")
}

// checkApp refuses an appid that is not configured: a typing error must not
// look like a success.
func (s *Server) checkApp(appid string) error {
	if _, ok := s.config().Relay[appid]; !ok {
		return wechat.ErrUnknownApp
	}
	return nil
}

// detached is the request's context without its cancellation: a change that
// has begun is finished.
func detached(r *http.Request) context.Context { return context.WithoutCancel(r.Context()) }
