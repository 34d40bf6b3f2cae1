package apierror

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
)

// Header is the response header that marks every error that the gateway itself
// made. An upstream can't set it.
const Header = "X-Gateway-Error"

// Body is the JSON body of an error response.
type Body struct {
	Error     Code   `json:"error"`
	Message   string `json:"message"`
	RequestID string `json:"request_id"`
	Time      int64  `json:"time,omitempty"` // Unix seconds
}

// Write sends the error as the response. Headers already set on w (a request id,
// CORS) are kept; those that describe another body are replaced or removed.
func Write(w http.ResponseWriter, requestID string, e *Error) {
	WriteBody(w, e, Body{e.Code, e.Message, requestID, e.Time})
}

// WriteBody is Write with v, encoded as JSON, as the body.
func WriteBody(w http.ResponseWriter, e *Error, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		body = nil
	}
	h := w.Header()
	for _, name := range []string{"Content-Encoding", "Etag", "Last-Modified", "Accept-Ranges"} {
		h.Del(name)
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	e.SetHeaders(h)
	w.WriteHeader(e.Code.Status())
	_, _ = w.Write(body)
}

// SetHeaders sets the headers of an error response, whatever its body is: JSON or
// a page.
func (e *Error) SetHeaders(h http.Header) {
	h[Header] = []string{string(e.Code)}
	if e.Code.Status() == http.StatusUnauthorized {
		// RFC 6750, section 3.1, defines the values of error; the gateway's code
		// is the description. The name is spelled as in RFC 9110, not as Go's Set
		// would.
		h["WWW-Authenticate"] = []string{`Bearer error="invalid_token", error_description="` + string(e.Code) + `"`}
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	if e.Allow != "" {
		h.Set("Allow", e.Allow)
	}
	if e.Close {
		h.Set("Connection", "close")
	}
}
