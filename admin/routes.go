package admin

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"wxgate/admin/console"
	"wxgate/apierror"
	"wxgate/internal/httprule"
)

// Handler returns the private listener's http.Handler.
func (s *Server) Handler() http.Handler {
	mux := chi.NewRouter()
	mux.Use(s.setRequestID, s.checkPath, limitBody, middleware.GetHead)
	s.unauthenticatedCalls(mux)
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
		e.Allow = allowedMethods(mux, r.URL.Path)
		writeError(w, r, e)
	})
	return mux
}

// unauthenticatedCalls need no token.
func (s *Server) unauthenticatedCalls(mux chi.Router) {
	mux.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, healthResponse{"ok", nil}) })
	mux.Get("/readyz", s.ready)
	mux.Method(http.MethodGet, "/metrics", promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	mux.Get(httprule.JWKSPath, func(w http.ResponseWriter, _ *http.Request) { httprule.WriteJWKS(w, s.Sessions.JWKS()) })

	page := console.New()
	mux.Get("/console", console.Redirect)
	mux.Get(console.Path+"*", s.handler(page.Serve))
}

// allowedMethods returns the value of the Allow header for a path.
func allowedMethods(mux *chi.Mux, path string) string {
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
	api.Delete("/users/{appid}/{openid}/sessions", s.handler(s.endUserSessions))
	api.Put("/users/{appid}/{openid}/ban", s.handler(s.ban))
	api.Delete("/users/{appid}/{openid}/ban", s.handler(s.unban))
	api.Post("/users/{appid}/{openid}/reset-session-key", s.handler(s.resetSessionKey))
	api.Get("/sessions/{sid}", s.handler(s.showSession))
	api.Delete("/sessions/{sid}", s.handler(s.endSession))
	api.Delete("/apps/{appid}/sessions", s.handler(s.endAppSessions))
	api.Get("/audit", s.handler(s.showAudit))
}

// gatewayCalls are about the whole gateway, not about one app.
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

// userFromPath returns the user that the path names.
func userFromPath(r *http.Request) (appid, openid string) {
	return chi.URLParam(r, "appid"), chi.URLParam(r, "openid")
}
