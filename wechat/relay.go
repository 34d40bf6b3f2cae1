package wechat

import (
	"context"
	"net/http"
	"sync"
	"time"
)

const (
	relayTimeoutFactor = 6       // times Config.Timeout, from the last byte of the request to the response header
	maxErrorResponse   = 4 << 10 // bytes; a response with the errcode of an invalid token has about 300
)

// Relay returns a RoundTripper that sends the requests of an app's backends to WeChat.
// URL.Path of a request is the path of a WeChat API, such as /wxa/getwxacodeunlimit;
// scheme and host are ignored. An access_token in the query is replaced by the app's.
// Request and response bodies are streamed, and the response is that of WeChat.
//
// If WeChat rejects the token, the token is replaced, and the request is retried once if
// its body has at most 256 KiB. A longer body can't be sent again: WeChat's response is
// returned, and the next request has the new token.
//
// Limits: the response header must arrive within six times Config.Timeout after the
// request's last byte; otherwise only the request's context limits a call. Errors:
// ErrUnknownApp, ErrMisconfigured, ErrUnavailable, ErrNotEncryptable, or the error of the
// request's body or context. The caller must restrict the paths, see
// httprule.NeverRelayed.
func (c *Client) Relay(appid string) http.RoundTripper {
	return relay{client: c, appid: appid}
}

type relay struct {
	client *Client
	appid  string
}

func (r relay) RoundTrip(req *http.Request) (*http.Response, error) {
	a, err := r.client.app(r.appid)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	body, err := readReplayable(req)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	return r.client.relay(a, req, body)
}

// relay sends the request, and retries it with a new token if WeChat rejects the token.
func (c *Client) relay(a *app, req *http.Request, body replayableBody) (*http.Response, error) {
	t, err := c.relayToken(req.Context(), a)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	res, rejected, err := c.forward(a, req, body, t)
	if !rejected {
		return res, err
	}
	t, renewErr := c.renewRelayToken(req.Context(), a, t)
	if renewErr != nil || body.rest != nil {
		return res, err // WeChat's response says more than an error of the gateway
	}
	if res != nil {
		_ = res.Body.Close()
	}
	res, _, err = c.forward(a, req, body, t)
	return res, err
}

func (c *Client) relayToken(ctx context.Context, a *app) (token, error) {
	ctx, cancel := c.withTimeout(ctx)
	defer cancel()
	return c.accessToken(ctx, a)
}

func (c *Client) renewRelayToken(ctx context.Context, a *app, rejected token) (token, error) {
	ctx, cancel := c.withTimeout(ctx)
	defer cancel()
	return c.replaceToken(ctx, a, rejected.value)
}

// forward sends the request once, and reports whether WeChat rejected the token. The slot
// is released when the body of the response is closed.
func (c *Client) forward(a *app, req *http.Request, body replayableBody, t token) (res *http.Response, rejected bool, err error) {
	report, release, err := c.acquireRelay(req.Context(), a)
	if err != nil {
		closeBody(req)
		return nil, false, err
	}
	call := apiCall{api: apiRelay}.withAccessToken(t.value)
	start := time.Now()
	res, err = c.sendRelayed(a, req, body, call)
	if res != nil {
		res.Body = &relayedBody{ReadCloser: res.Body, release: sync.OnceFunc(release)}
	} else {
		release()
	}
	report(err)
	c.metrics.recordCall(apiRelay, time.Since(start), err)
	if res != nil {
		return res, isTokenError(err), nil
	}
	return nil, isTokenError(err), err
}

// sendRelayed sends the request. For a response with an errcode it returns
// both the response and an error.
func (c *Client) sendRelayed(a *app, req *http.Request, body replayableBody, call apiCall) (*http.Response, error) {
	if a.security.covers(withLeadingSlash(req.URL.Path)) {
		call.api, call.security = withLeadingSlash(req.URL.Path), a.security
		return c.sendSealed(req, body, call)
	}
	res, err := c.current.Load().pooled.RoundTrip(c.relayedRequest(req, body, call))
	if err != nil {
		return nil, relayError(req.Context(), call, body, err)
	}
	return res, responseError(call, res)
}

func (c *Client) acquireRelay(ctx context.Context, a *app) (report func(error), release func(), err error) {
	ctx, cancel := c.withTimeout(ctx)
	defer cancel()
	return c.acquire(ctx, a, apiCall{api: apiRelay, bulkhead: bulkheadRelay})
}
