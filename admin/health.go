package admin

import (
	"net/http"

	"go.uber.org/zap"

	"wxgate/apierror"
)

// healthResponse is the response of /healthz and /readyz.
type healthResponse struct {
	Status   string   `json:"status"`
	Problems []string `json:"problems,omitempty"`
}

// ready handles GET /readyz: 200 while requests can be served, else 503 and the
// reasons. ?store=ignore leaves out the store: a load balancer that removed every
// instance because Redis is unreachable would cut off the users whose sessions the
// instances have cached.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	var problems []string
	if s.Draining() {
		problems = append(problems, "draining")
	}
	if r.URL.Query().Get("store") != "ignore" {
		if err := s.Sessions.Ready(r.Context()); err != nil {
			s.Log.Warn("not ready", zap.Error(err))
			problems = append(problems, string(apierror.StoreUnavailable))
		}
	}
	if len(problems) == 0 {
		writeJSON(w, http.StatusOK, healthResponse{"ready", nil})
		return
	}
	writeJSON(w, http.StatusServiceUnavailable, healthResponse{"not_ready", problems})
}
