package proxy

import (
	"net/http"

	"wxgate/apierror"
	"wxgate/internal/http1"
	"wxgate/internal/httprule"
)

// serverErrorCodes maps the errors of the HTTP/1 server to the gateway's error codes. An
// error that is not listed is bad_request, with the status of its http1.Reason.
var serverErrorCodes = map[http1.Reason]apierror.Code{
	http1.BadTarget:      apierror.BadPath,
	http1.HeaderTimeout:  apierror.Timeout,
	http1.HeaderTooLarge: apierror.HeaderTooLarge,
	http1.HandlerAborted: apierror.UpstreamError,
	http1.Overloaded:     apierror.Overloaded,
}

// serverError returns the response to a request that the HTTP/1 server rejects itself, in
// the form of every other error of the gateway.
func serverError(r http1.Refusal) http1.RefusalResponse {
	code, ok := serverErrorCodes[r.Reason]
	if !ok {
		code = apierror.BadRequest
	}
	e := apierror.New(code, r.Message())
	if code == apierror.Overloaded {
		e.RetryAfter = overloadedRetryAfter
	}
	id := httprule.RequestID(nil)
	w := errorBuffer{header: http.Header{httprule.RequestIDHeader: {id}}}
	apierror.Write(&w, id, e)
	return w.response(r.Reason.Status())
}

// errorBuffer is an http.ResponseWriter that keeps the response.
type errorBuffer struct {
	header http.Header
	body   []byte
}

func (w *errorBuffer) Header() http.Header { return w.header }
func (w *errorBuffer) WriteHeader(int)     {}

func (w *errorBuffer) Write(p []byte) (int, error) {
	w.body = append(w.body, p...)
	return len(p), nil
}

func (w *errorBuffer) response(status int) http1.RefusalResponse {
	res := http1.RefusalResponse{Status: status, Body: w.body}
	for name, values := range w.header {
		if name == "Content-Length" || name == "Connection" {
			continue // set by the server
		}
		for _, v := range values {
			res.Header = append(res.Header, http1.Field{Name: name, Value: v})
		}
	}
	return res
}
