package endpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"unicode/utf8"

	"wxgate/internal/httprule"
	"wxgate/wechat"
)

// forward sends the message to the backend and returns the passive reply, nil if the
// backend has none. If the message was not deduplicated, a header
// says so: it may be a repeat.
func (p pushEndpoints) forward(ctx context.Context, r *Request, m wechat.PushMessage, deduplicated bool) ([]byte, error) {
	req, err := p.newForwardRequest(ctx, r, m)
	if err != nil {
		return nil, err
	}
	if !deduplicated { // Redis is unreachable
		req.Header.Set(httprule.PushDedupeHeader, "off")
	}
	res, err := p.push.Client.Do(req)
	if err != nil {
		return nil, stripURL(err)
	}
	defer res.Body.Close()
	return readPushResponse(res)
}

func (p pushEndpoints) newForwardRequest(ctx context.Context, r *Request, m wechat.PushMessage) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.push.Upstream+"?"+m.Query, bytes.NewReader(m.Body))
	if err != nil {
		return nil, stripURL(err)
	}
	h := req.Header
	h["Content-Type"] = []string{string(m.Format)}
	h[httprule.RequestIDHeader] = []string{r.ID}
	h[p.push.AppIDHeader] = []string{p.appid}
	if m.OpenID == "" {
		return req, nil // plain mode: the sender isn't authenticated
	}
	h[p.push.OpenIDHeader] = []string{httprule.EncodeHeaderValue(m.OpenID, "")}
	if p.push.AssertionHeader == "" {
		return req, nil
	}
	assertion, err := p.Sessions.AssertUser(p.appid, m.OpenID, httprule.PushAudience)
	h[p.push.AssertionHeader] = []string{assertion}
	return req, err
}

// readPushResponse reads the backend's response: a 2xx with an empty body, "success" or
// a passive reply. Anything else is an error.
func readPushResponse(res *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(res.Body, maxPushResponse+1))
	if err != nil {
		return nil, stripURL(err)
	}
	text := bytes.TrimSpace(body)
	switch {
	case res.StatusCode < 200 || res.StatusCode > 299:
		return nil, fmt.Errorf("the backend's response has status %d", res.StatusCode)
	case len(body) > maxPushResponse:
		return nil, errors.New("the backend's reply is too large")
	case len(text) == 0, string(text) == pushAccepted:
		return nil, nil
	case !utf8.Valid(text) || text[0] != '<' && text[0] != '{':
		return nil, errors.New("the backend's reply is neither success, nor XML, nor JSON")
	case wechat.IsEncryptedReply(text):
		return nil, errors.New("the backend's reply is encrypted: set its SDK to plain mode, the gateway encrypts")
	}
	return text, nil
}
