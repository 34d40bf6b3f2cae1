package admin

import (
	"context"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"wxgate/apierror"
)

// requireScope accepts requests whose token has one of the scopes and, if the path
// names an app, may be used for that app.
func (s *Server) requireScope(scopes ...Scope) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, e := s.authenticate(r)
			if e == nil {
				e = s.authorize(r, token, scopes)
			}
			if e != nil {
				writeError(w, r, e)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, token)))
		})
	}
}

func (s *Server) authorize(r *http.Request, t Token, scopes []Scope) *apierror.Error {
	if !slices.ContainsFunc(scopes, t.hasScope) {
		s.logAuthFailure(r, "scope", t.Name)
		return apierror.New(apierror.Forbidden, "this token does not have the scope "+string(scopes[0]))
	}
	if appid := chi.URLParam(r, "appid"); appid != "" && !t.allowsApp(appid) {
		s.logAuthFailure(r, "app", t.Name)
		return apierror.New(apierror.Forbidden, "this token is not for this app")
	}
	return nil
}

// requireAllApps refuses tokens that are for some apps only: the responses of the calls
// behind it are about all apps.
func (s *Server) requireAllApps(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if t := tokenFrom(r); t.Apps != nil {
			s.logAuthFailure(r, "app", t.Name)
			writeError(w, r, apierror.New(apierror.Forbidden, "this token is for some apps only, and the call is about all of them"))
			return
		}
		next.ServeHTTP(w, r)
	})
}
