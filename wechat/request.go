package wechat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
)

const userAgent = "wxgate"

// newRequest builds the HTTP request. Query values are escaped, so that a code such as
// "x&appid=…" can't add a parameter.
func (c *Client) newRequest(ctx context.Context, call apiCall) (*http.Request, error) {
	query, header := call.query, http.Header{}
	method, body, err := call.payload()
	if err == nil && call.security != nil {
		query, header, body, err = c.sealCall(call, body)
		method = http.MethodPost
	}
	if err != nil {
		return nil, fmt.Errorf("wechat: %s: %w", call.api, err)
	}
	u := c.current.Load().base.JoinPath(call.api)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("wechat: " + call.api + ": the request can't be built")
	}
	if call.singleUse && len(body) == 0 {
		req.Body, req.GetBody = singleUseBody(), nil
	}
	maps.Copy(req.Header, header)
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent)
	return req, nil
}

// payload returns the method and the unencrypted body.
func (call apiCall) payload() (method string, body []byte, err error) {
	if call.body == nil {
		return http.MethodGet, nil, nil
	}
	text, err := encodeJSON(call.body)
	if err != nil {
		return "", nil, err
	}
	return http.MethodPost, text.Bytes(), nil
}

// sealCall encrypts and signs the parameters. Only the access token stays in the query.
func (c *Client) sealCall(call apiCall, body []byte) (query url.Values, header http.Header, sealed []byte, err error) {
	query = maps.Clone(call.query)
	token := url.Values{"access_token": query["access_token"]}
	delete(query, "access_token")
	sealed, header, err = call.security.seal(apiURL(c.current.Load().base, call.api), query, body, c.now())
	return token, header, sealed, err
}

// encodeJSON encodes v without escaping & and <, so that printable finds a secret that
// a response repeats.
func encodeJSON(v any) (*bytes.Buffer, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	return &b, e.Encode(v)
}
