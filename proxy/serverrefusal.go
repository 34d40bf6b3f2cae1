package proxy

import (
	"net/http"

	"wxgate/apierror"
	"wxgate/internal/http1"
	"wxgate/internal/httprule"
)

// refusalCodes are the gateway's codes for what the HTTP/1 server refuses by
// itself. Those that are left out are bad_request, with the status that HTTP has
// for them.
var refusalCodes = map[http1.Reason]apierror.Code{
	http1.BadTarget:      apierror.BadPath,
	http1.HeaderTimeout:  apierror.Timeout,
	http1.HeaderTooLarge: apierror.HeaderTooLarge,
	http1.HandlerAborted: apierror.UpstreamError,
	http1.Overloaded:     apierror.Overloaded,
}

// answerRefusal makes the server's own answers look like every other error of
// the gateway.
func answerRefusal(r http1.Refusal) http1.RefusalResponse {
	code, known := refusalCodes[r.Reason]
	if !known {
		code = apierror.BadRequest
	}
	e := apierror.New(code, r.Message())
	if code == apierror.Overloaded {
		e.RetryAfter = overloadedRetryAfter
	}
	id := httprule.RequestID(nil)
	w := answerWriter{header: http.Header{httprule.RequestIDHeader: {id}}}
	apierror.Write(&w, id, e)
	return w.answer(r.Reason.Status())
}

// answerWriter keeps an answer that the server is to send.
type answerWriter struct {
	header http.Header
	body   []byte
}

func (w *answerWriter) Header() http.Header { return w.header }
func (w *answerWriter) WriteHeader(int)     {}

func (w *answerWriter) Write(p []byte) (int, error) {
	w.body = append(w.body, p...)
	return len(p), nil
}

func (w *answerWriter) answer(status int) http1.RefusalResponse {
	a := http1.RefusalResponse{Status: status, Body: w.body}
	for name, values := range w.header {
		if name == "Content-Length" || name == "Connection" {
			continue // the server's own
		}
		for _, v := range values {
			a.Header = append(a.Header, http1.Field{Name: name, Value: v})
		}
	}
	return a
}
