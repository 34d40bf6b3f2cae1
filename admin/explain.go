package admin

import (
	"context"
	"net/http"
	"strings"

	"wxgate/apierror"
)

// explainRequest is the body of POST /api/explain.
type explainRequest struct {
	Method string `json:"method"`
	URL    string `json:"url"` // or a path
	Token  string `json:"token"`
}

// The limits of an explainRequest's fields, in bytes.
const (
	maxExplainURL   = 8 << 10
	maxExplainToken = 8 << 10
)

// explain handles POST /api/explain: it returns the outcome that a request would have,
// like `wxgate explain`. The request is not forwarded.
func (s *Server) explain(w http.ResponseWriter, r *http.Request) error {
	var req explainRequest
	if err := readJSON(r, &req); err != nil {
		return err
	}
	explained, err := req.request(r.Context())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, s.Gateway.Explain(r.Context(), explained))
	return nil
}

func (e explainRequest) request(ctx context.Context) (*http.Request, error) {
	if e.URL == "" || len(e.URL) > maxExplainURL || len(e.Token) > maxExplainToken || strings.ContainsAny(e.Token, "\r\n") {
		return nil, apierror.New(apierror.BadRequest, "url is missing, or url or token is too long")
	}
	r, err := RequestToExplain(ctx, e.Method, e.URL, e.Token)
	if err != nil {
		return nil, apierror.New(apierror.BadRequest, "method and url are not a valid request").WithCause(err)
	}
	return r, nil
}

// RequestToExplain returns a request as the public listener would have parsed it. An
// empty method is GET; url may be a path alone.
func RequestToExplain(ctx context.Context, method, url, token string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, strings.ToUpper(method), url, nil)
	if err != nil {
		return nil, err
	}
	r.RequestURI = r.URL.RequestURI()
	r.URL.Scheme, r.URL.Host = "", "" // as in a request line in origin form
	if r.Host == "" {
		r.Host = "localhost"
	}
	r.RemoteAddr = "127.0.0.1:1"
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r, nil
}
