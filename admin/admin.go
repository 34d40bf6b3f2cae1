// Package admin is the private listener: health, metrics, users and sessions
// for operators, and WeChat's API for backends without AppSecret or access
// token in their hands.
//
// /healthz, /readyz, /metrics and the JWKS are open; everything else asks for
// a token with the right scope. None of it is served on the public listener.
package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/session"
	"wxgate/wechat"
)

// Server is what the private listener stands on. All fields are required.
type Server struct {
	Sessions *session.Store
	WeChat   *wechat.Client
	Metrics  prometheus.Gatherer
	Log      *zap.Logger

	// CheckPath refuses paths that two parsers could read differently; it is
	// the public listener's rule.
	CheckPath func(*http.Request) *apierror.Error

	// RequestID gives a request's id from its header, or a new one.
	RequestID func(http.Header) string

	// Config gives the configuration in force; a reload changes it.
	Config func() *Config

	// Draining reports whether the process is about to stop: not ready then.
	Draining func() bool
}

// Config is what a reload may change.
type Config struct {
	Tokens []Token
	Relay  map[string][]string // WeChat API paths that may be called, for each configured appid; "/x/*" takes all below
}

// Bounds of what a caller may send.
const (
	maxBody  = 1 << 20   // JSON calls
	maxRelay = 100 << 20 // relayed bodies; WeChat's own largest upload is far below
)

// Handler is the private listener's http.Handler.
func (s *Server) Handler() http.Handler {
	mux := chi.NewRouter()
	mux.Use(s.identify, s.checkPath, bound, middleware.GetHead)
	mux.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, status{"ok", nil}) })
	mux.Get("/readyz", s.ready)
	mux.Method(http.MethodGet, "/metrics", promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{}))
	mux.Get("/.well-known/jwks.json", s.keys)

	mux.Route("/api", func(api chi.Router) {
		api.With(s.need(ScopeAdmin)).Group(s.adminCalls)
		api.With(s.need(ScopeWeChat)).Group(s.wechatCalls)
	})
	mux.With(s.need(ScopeWeChat)).HandleFunc("/wx/{appid}/*", s.handler(s.relay))
	mux.NotFound(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, apierror.New(apierror.NotFound, "there is no such call"))
	})
	mux.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		f := apierror.New(apierror.MethodNotAllowed, "this method is not served here")
		f.Allow = allowed(mux, r.URL.Path)
		refuse(w, r, f)
	})
	return mux
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
	api.Get("/users/{appid}/{openid}", s.handler(s.showUser))
	api.Delete("/users/{appid}/{openid}/sessions", s.handler(s.endAll))
	api.Put("/users/{appid}/{openid}/ban", s.handler(s.ban))
	api.Delete("/users/{appid}/{openid}/ban", s.handler(s.unban))
	api.Get("/sessions/{sid}", s.handler(s.showSession))
	api.Delete("/sessions/{sid}", s.handler(s.endSession))
}

func (s *Server) wechatCalls(api chi.Router) {
	api.Post("/users/{appid}/{openid}/decrypt", s.handler(s.decrypt))
	api.Post("/users/{appid}/{openid}/sign", s.handler(s.sign))
}

// requestIDKey is the context's key for the request's id.
type requestIDKey struct{}

// identify gives the request its id, which the answer carries too.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := s.RequestID(r.Header)
		w.Header().Set("X-Request-ID", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
	})
}

func requestID(r *http.Request) string {
	id, _ := r.Context().Value(requestIDKey{}).(string)
	return id
}

// checkPath applies the path rule. What it lets pass is read decoded from here
// on: chi would route by, and hand out, the escaped form, in which "token" can
// be written in many ways.
func (s *Server) checkPath(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := s.CheckPath(r); f != nil {
			refuse(w, r, f)
			return
		}
		r.URL.RawPath = ""
		next.ServeHTTP(w, r)
	})
}

// bound limits every body.
func bound(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most := int64(maxBody)
		if strings.HasPrefix(r.URL.Path, "/wx/") {
			most = maxRelay
		}
		r.Body = http.MaxBytesReader(w, r.Body, most)
		next.ServeHTTP(w, r)
	})
}

// handler turns an error into the answer it means.
func (s *Server) handler(serve func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := serve(w, r)
		if err == nil {
			return
		}
		f := apierror.From(err)
		if f.Code.Status() >= http.StatusInternalServerError {
			s.Log.Warn("private call failed", zap.String("path", r.URL.Path), zap.Error(f), zap.String("request_id", requestID(r)))
		}
		refuse(w, r, f)
	}
}

func refuse(w http.ResponseWriter, r *http.Request, f *apierror.Error) {
	if f.Code == apierror.ClientClosed {
		return
	}
	apierror.Write(w, requestID(r), f)
}

// status is what /healthz and /readyz say.
type status struct {
	Status   string   `json:"status"`
	Problems []string `json:"problems,omitempty"`
}

// ready answers 200 while requests can be served, else 503 and which part is
// missing.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	var problems []string
	if s.Draining() {
		problems = append(problems, "draining")
	}
	if err := s.Sessions.Ready(r.Context()); err != nil {
		s.Log.Warn("not ready", zap.Error(err))
		problems = append(problems, string(apierror.StoreUnavailable))
	}
	if len(problems) == 0 {
		writeJSON(w, status{"ready", nil})
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(http.StatusServiceUnavailable)
	_ = json.NewEncoder(w).Encode(status{"not_ready", problems})
}

func (s *Server) keys(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(s.Sessions.JWKS())
}

func writeJSON(w http.ResponseWriter, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v)
}

// readJSON decodes the body, one JSON object, into v.
func readJSON(r *http.Request, v any) error {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	return decode(raw, v)
}

// readOptionalJSON is readJSON for calls whose body may be left out.
func readOptionalJSON(r *http.Request, v any) error {
	raw, err := io.ReadAll(r.Body)
	if err != nil || len(raw) == 0 {
		return err
	}
	return decode(raw, v)
}

func decode(raw []byte, v any) error {
	object := bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) // null would pass for an empty one
	if err := json.Unmarshal(raw, v); err != nil || !object {
		return apierror.New(apierror.BadRequest, "the body must be one JSON object with fields of the right type").Because(err)
	}
	return nil
}

// userOf reads whom a call is about.
func userOf(r *http.Request) (appid, openid string) {
	return chi.URLParam(r, "appid"), chi.URLParam(r, "openid")
}

// served refuses an appid that is not configured: a typing error must not
// look like a success.
func (s *Server) served(appid string) error {
	if _, ok := s.Config().Relay[appid]; !ok {
		return wechat.ErrUnknownApp
	}
	return nil
}

// lasting is the request's context without its cancellation: a change that
// has begun is finished.
func lasting(r *http.Request) context.Context { return context.WithoutCancel(r.Context()) }
