package admin

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"wxgate/apierror"
)

// The calls in this file are about the gateway as a whole.

// requireAllApps refuses tokens that are for some apps only: what these calls show is
// of all apps.
func (s *Server) requireAllApps(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if t := tokenOf(r); t.Apps != nil {
			s.logAuthFailure(r, "app", t.Name)
			writeError(w, r, apierror.New(apierror.Forbidden, "this token is for some apps only, and the call is about all of them"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// tokenAnswer says what the caller's own token may do.
type tokenAnswer struct {
	Name    string   `json:"name"`
	Scopes  []Scope  `json:"scopes"`
	Apps    []string `json:"apps"` // that it may be used for
	AllApps bool     `json:"all_apps"`
}

// showToken answers GET /api/token.
func (s *Server) showToken(w http.ResponseWriter, r *http.Request) error {
	t := tokenOf(r)
	answer := tokenAnswer{Name: t.Name, Scopes: t.Scopes, Apps: []string{}, AllApps: t.Apps == nil}
	for appid := range s.config().Relay {
		if t.mayUse(appid) {
			answer.Apps = append(answer.Apps, appid)
		}
	}
	slices.Sort(answer.Apps)
	writeJSON(w, http.StatusOK, answer)
	return nil
}

// showRoutes answers GET /api/routes.
func (s *Server) showRoutes(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string]any{"routes": s.Gateway.Routes()})
	return nil
}

// showUpstreams answers GET /api/upstreams.
func (s *Server) showUpstreams(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string]any{"upstreams": s.Gateway.Upstreams()})
	return nil
}

// showConfig answers GET /api/config with the effective configuration in YAML, as
// `wxgate check` prints it.
func (s *Server) showConfig(w http.ResponseWriter, _ *http.Request) error {
	text, err := s.Gateway.Config()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(text)
	return nil
}

// explainRequest is the body of POST /api/explain.
type explainRequest struct {
	Method string `json:"method"`
	URL    string `json:"url"` // or a path
	Token  string `json:"token"`
}

// Bounds of what explain takes, in bytes.
const (
	maxExplainURL   = 8 << 10
	maxExplainToken = 8 << 10
)

// explain answers POST /api/explain: what would become of a request, as `wxgate explain`
// says it. The request is not sent anywhere.
func (s *Server) explain(w http.ResponseWriter, r *http.Request) error {
	var req explainRequest
	if err := readJSON(r, &req); err != nil {
		return err
	}
	asked, err := req.request(r.Context())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, s.Gateway.Explain(r.Context(), asked))
	return nil
}

func (e explainRequest) request(ctx context.Context) (*http.Request, error) {
	if e.URL == "" || len(e.URL) > maxExplainURL || len(e.Token) > maxExplainToken || strings.ContainsAny(e.Token, "\r\n") {
		return nil, apierror.New(apierror.BadRequest, "url is missing, or url or token is too long")
	}
	r, err := RequestToExplain(ctx, e.Method, e.URL, e.Token)
	if err != nil {
		return nil, apierror.New(apierror.BadRequest, "method and url are no request").WithCause(err)
	}
	return r, nil
}

// RequestToExplain is a request as the public listener would have read it; an empty
// method is GET, and a URL may be a path alone.
func RequestToExplain(ctx context.Context, method, url, token string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, strings.ToUpper(method), url, nil)
	if err != nil {
		return nil, err
	}
	r.RequestURI = r.URL.RequestURI()
	r.URL.Scheme, r.URL.Host = "", "" // which a request line has not
	if r.Host == "" {
		r.Host = "localhost"
	}
	r.RemoteAddr = "127.0.0.1:1"
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r, nil
}
