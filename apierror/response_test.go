package apierror

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAnErrorResponseHasTheCodeAndNotTheCause(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	w.Header().Set("X-Request-ID", "id")
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Set("Etag", `"of another body"`)
	Write(w, "id", New(StoreUnavailable, "try again").WithCause(errors.New("dial 10.0.0.5: refused")))
	var body Body
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body != (Body{Error: StoreUnavailable, Message: "try again", RequestID: "id"}) {
		t.Errorf("body is %s, %v", w.Body, err)
	}
	if strings.Contains(w.Body.String(), "10.0.0.5") {
		t.Error("the cause was sent")
	}
	h := w.Header()
	if w.Code != 503 || h.Get(Header) != "store_unavailable" || h.Get("Cache-Control") != "no-store" || h.Get("X-Request-ID") != "id" {
		t.Errorf("%d %v", w.Code, h)
	}
	if h.Get("Content-Encoding") != "" || h.Get("Etag") != "" {
		t.Errorf("headers of another body are left: %v", h)
	}
}

func TestHeadersOfAnError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err          Error
		header, want string
	}{
		"401":                         {Error{Code: TokenExpired}, "WWW-Authenticate", `Bearer error="invalid_token", error_description="token_expired"`},
		"no 401":                      {Error{Code: Forbidden}, "WWW-Authenticate", ""},
		"Retry-After is rounded up":   {Error{Code: RateLimited, RetryAfter: 1100 * time.Millisecond}, "Retry-After", "2"},
		"no Retry-After":              {Error{Code: RateLimited}, "Retry-After", ""},
		"a short Retry-After is 1":    {Error{Code: RateLimited, RetryAfter: time.Millisecond}, "Retry-After", "1"},
		"Allow":                       {Error{Code: MethodNotAllowed, Allow: "GET, HEAD"}, "Allow", "GET, HEAD"},
		"the connection is closed":    {Error{Code: BadRequest, Close: true}, "Connection", "close"},
		"the connection is kept open": {Error{Code: BadRequest}, "Connection", ""},
	} {
		w := httptest.NewRecorder()
		Write(w, "id", &c.err)
		if got := strings.Join(w.Header()[c.header], ", "); got != c.want {
			t.Errorf("%s: %s is %q instead of %q", name, c.header, got, c.want)
		}
	}
}
