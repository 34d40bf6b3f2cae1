package admin

import (
	"fmt"
	"net/http"

	"go.uber.org/zap"

	"wxgate/apierror"
)

// handler returns an http.HandlerFunc that writes the error of serve, if any, as the
// response. Server errors are logged.
func (s *Server) handler(serve func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := serve(w, r)
		if err == nil {
			return
		}
		e := apierror.From(err)
		if e.Code.Status() >= http.StatusInternalServerError {
			s.Log.Warn("call failed", zap.String("path", r.URL.Path), zap.Error(e), zap.String("request_id", requestID(r)))
		}
		writeError(w, r, e)
	}
}

// writeError writes an error response. Under /wx/ it also has WeChat's fields.
func writeError(w http.ResponseWriter, r *http.Request, e *apierror.Error) {
	switch {
	case e.Code == apierror.ClientClosed:
	case isRelay(r):
		apierror.WriteBody(w, e, newRelayError(e, requestID(r)))
	default:
		apierror.Write(w, requestID(r), e)
	}
}

// relayErrcodeBase plus the status is the errcode of an error. SDKs check the errcode
// alone, and none of these makes an SDK fetch a new access token.
const relayErrcodeBase = 99000

// relayError is an error body with the fields of both WeChat and the gateway.
type relayError struct {
	Errcode int    `json:"errcode"`
	Errmsg  string `json:"errmsg"`
	apierror.Body
}

func newRelayError(e *apierror.Error, requestID string) relayError {
	return relayError{
		Errcode: relayErrcodeBase + e.Code.Status(),
		Errmsg:  fmt.Sprintf("wxgate: %s: %s, rid: %s", e.Code, e.Message, requestID),
		Body:    apierror.Body{Error: e.Code, Message: e.Message, RequestID: requestID},
	}
}
