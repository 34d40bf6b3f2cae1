package admin

import (
	"context"
	"net/http"

	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/internal/httprule"
)

// requestIDKey is the context's key for the request's id.
type requestIDKey struct{}

// setRequestID gives the request its id, which the answer carries too.
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

// checkPath applies the path rule. What it lets pass is read decoded from here
// on: chi would route by, and hand out, the escaped form, in which "token" can
// be written in many ways.
func (s *Server) checkPath(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !httprule.ValidRequestTarget(r) {
			e := apierror.New(apierror.BadPath, "the path could be read in more than one way")
			e.Close = true
			writeError(w, r, e)
			return
		}
		r.URL.RawPath = ""
		next.ServeHTTP(w, r)
	})
}

// limitBody limits every body.
func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		most := int64(maxBody)
		if isRelay(r) {
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
		e := apierror.From(err)
		if e.Code.Status() >= http.StatusInternalServerError {
			s.Log.Warn("private call failed", zap.String("path", r.URL.Path), zap.Error(e), zap.String("request_id", requestID(r)))
		}
		writeError(w, r, e)
	}
}

// writeError answers with an error of the gateway's own, under /wx/ in the words of
// WeChat too.
func writeError(w http.ResponseWriter, r *http.Request, e *apierror.Error) {
	switch {
	case e.Code == apierror.ClientClosed:
	case isRelay(r):
		apierror.WriteBody(w, e, newRelayError(e, requestID(r)))
	default:
		apierror.Write(w, requestID(r), e)
	}
}
