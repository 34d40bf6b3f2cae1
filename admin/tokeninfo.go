package admin

import (
	"net/http"
	"slices"
)

// tokenInfoResponse describes the caller's own token.
type tokenInfoResponse struct {
	Name    string   `json:"name"`
	Scopes  []Scope  `json:"scopes"`
	Apps    []string `json:"apps"` // that it may be used for
	AllApps bool     `json:"all_apps"`
}

// showToken handles GET /api/token.
func (s *Server) showToken(w http.ResponseWriter, r *http.Request) error {
	t := tokenFrom(r)
	res := tokenInfoResponse{Name: t.Name, Scopes: t.Scopes, Apps: []string{}, AllApps: t.Apps == nil}
	for appid := range s.config().Relay {
		if t.allowsApp(appid) {
			res.Apps = append(res.Apps, appid)
		}
	}
	slices.Sort(res.Apps)
	writeJSON(w, http.StatusOK, res)
	return nil
}
