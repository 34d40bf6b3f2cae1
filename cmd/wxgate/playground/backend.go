package playground

import "net/http"

// backendCall is a request that the backend received, and the status of its response.
type backendCall struct {
	Method string      `json:"method"`
	Path   string      `json:"path"`
	Header http.Header `json:"header"`
	Body   string      `json:"body"`
	Status int         `json:"status"`
}

// Backend wraps the backend: each request to it is reported when its response
// begins.
func (r *Recorder) Backend(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var body clip
		req.Body = teeBody{req.Body, &body}
		out := &responseRecorder{ResponseWriter: w}
		out.onHead = func() { r.backend(req, &body, out.status) }
		h.ServeHTTP(out, req)
		if out.status == 0 {
			r.backend(req, &body, http.StatusOK)
		}
	})
}

func (r *Recorder) backend(req *http.Request, body *clip, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.emit(r.callOf(req.Header.Get(requestIDHeader)), kindBackend, backendCall{
		req.Method, req.URL.RequestURI(), shortenHeader(req.Header), body.text(), status,
	})
}
