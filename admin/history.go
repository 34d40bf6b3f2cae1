package admin

import (
	"net/http"
)

// showHistory handles GET /api/history: the points of the last ten minutes.
func (s *Server) showHistory(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string]any{"points": s.history.points()})
	return nil
}
