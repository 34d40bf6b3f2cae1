package admin

import (
	"net/http"

	"go.uber.org/zap"

	"wxgate/apierror"
)

// status is the answer of /healthz and /readyz.
type status struct {
	Status   string   `json:"status"`
	Problems []string `json:"problems,omitempty"`
}

// ready answers 200 while requests can be served, else 503 and which part is
// missing. With ?store=ignore the store plays no part: a load balancer that took
// every instance out because Redis is unreachable would lose the users whose sessions the
// instances still know.
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
		writeJSON(w, http.StatusOK, status{"ready", nil})
		return
	}
	writeJSON(w, http.StatusServiceUnavailable, status{"not_ready", problems})
}
