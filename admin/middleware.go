package admin

import (
	"context"
	"net/http"

	"wxgate/apierror"
	"wxgate/internal/httprule"
)

// requestIDKey is the context key of the request's id.
type requestIDKey struct{}

// setRequestID sets the request's id in its context and in the response.
func (s *Server) setRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := httprule.RequestID(r.Header)
		w.Header().Set("X-Request-ID", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
	})
}

func requestID(r *http.Request) string {
	id, _ := r.Context().Value(requestIDKey{}).(string)
	return id
}

// checkPath applies the path rule, and makes chi use the decoded path from here on:
// chi would otherwise match and return the escaped form, in which "token" can be
// written in many ways.
func (s *Server) checkPath(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !httprule.ValidRequestTarget(r) {
			e := apierror.New(apierror.BadPath, "the path is ambiguous")
			e.Close = true
			writeError(w, r, e)
			return
		}
		r.URL.RawPath = ""
		next.ServeHTTP(w, r)
	})
}
