package admin

import (
	"encoding/json"
	"net/http"

	"go.uber.org/zap"

	"wxgate/apierror"
)

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
