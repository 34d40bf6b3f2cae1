package admin

import (
	"net/http"
)

// showRoutes handles GET /api/routes.
func (s *Server) showRoutes(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string]any{"routes": s.Gateway.Routes()})
	return nil
}

// showHistory handles GET /api/history: the points of the last ten minutes.
func (s *Server) showHistory(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string]any{"points": s.history.points()})
	return nil
}

// showUpstreams handles GET /api/upstreams.
func (s *Server) showUpstreams(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string]any{"upstreams": s.Gateway.Upstreams()})
	return nil
}

// showConfig handles GET /api/config: the effective configuration in YAML, as
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
