package wechat

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	relayTimeoutFactor = 6       // times Timeout, from the last byte sent to the first of the answer
	maxTokenAnswer     = 4 << 10 // bytes; an answer that calls the token dead has about 300
)

// relayedHeaders are the only ones that pass to WeChat: what a backend needs to
// authenticate itself to the gateway is none of WeChat's business. Wechatmp-…
// carry the request's signature where an app has API signing switched on.
// Accept-Encoding doesn't pass, so that an answer can be read for its errcode.
var relayedHeaders = []string{
	"Accept", "Accept-Language", "Content-Type", "Range", "User-Agent",
	"Wechatmp-Appid", "Wechatmp-Timestamp", "Wechatmp-Signature",
}

// Relay gives the way to WeChat for an app's backends. URL.Path of a request is
// the path of a WeChat API, such as /wxa/getwxacodeunlimit; scheme and host don't
// matter. An access_token in the query is replaced by the app's own. Bodies of
// both directions stream, and the answer is WeChat's own, whatever it says.
//
// When WeChat calls the token dead it is replaced, and the request is repeated
// once if its body has at most 256 KiB; a longer one can't be sent again, so its
// answer passes as it is, and the next request has the new token.
//
// Limits: the answer must begin within six times Config.Timeout of the request's
// last byte; all else is bounded by the request's context. Errors: ErrUnknownApp,
// ErrMisconfigured, ErrUnavailable, or what the request's body or context gives.
// Which paths may be called is the caller's to decide, see httprule.NeverRelayed.
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

// relay sends the request, and again with a new token where that helps.
func (c *Client) relay(a *app, req *http.Request, body replayable) (*http.Response, error) {
	t, err := c.relayToken(req.Context(), a)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	res, dead, err := c.forward(a, req, body, t)
	if !dead {
		return res, err
	}
	t, renewErr := c.renewRelayToken(req.Context(), a, t)
	if renewErr != nil || body.rest != nil {
		return res, err // WeChat's own refusal says more than ours would
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

func (c *Client) renewRelayToken(ctx context.Context, a *app, dead token) (token, error) {
	ctx, cancel := c.withTimeout(ctx)
	defer cancel()
	return c.replaceToken(ctx, a, dead.value)
}

// forward sends the request once and says whether WeChat called the token dead.
// The answer holds its slot until its body is closed.
func (c *Client) forward(a *app, req *http.Request, body replayable, t token) (res *http.Response, dead bool, err error) {
	report, release, err := c.acquireRelay(req.Context(), a)
	if err != nil {
		closeBody(req)
		return nil, false, err
	}
	k := call{api: apiRelay}.with(t.value)
	start := time.Now()
	res, err = c.exchange(a, req, body, k)
	if res != nil {
		res.Body = &relayedBody{ReadCloser: res.Body, release: sync.OnceFunc(release)}
	} else {
		release()
	}
	report(err)
	c.metrics.call(apiRelay, time.Since(start), err)
	if res != nil {
		return res, isTokenError(err), nil
	}
	return nil, isTokenError(err), err
}

// exchange sends the request. With an answer comes the error that it reports, if it
// is short enough to be read for that.
func (c *Client) exchange(a *app, req *http.Request, body replayable, k call) (*http.Response, error) {
	if a.security.covers(withLeadingSlash(req.URL.Path)) {
		k.api, k.security = withLeadingSlash(req.URL.Path), a.security
		return c.exchangeSealed(req, body, k)
	}
	res, err := c.current.Load().pooled.RoundTrip(c.outbound(req, body, k))
	if err != nil {
		return nil, relayError(req.Context(), k, body, err)
	}
	return res, errorIn(k, res)
}

func (c *Client) acquireRelay(ctx context.Context, a *app) (report func(error), release func(), err error) {
	ctx, cancel := c.withTimeout(ctx)
	defer cancel()
	return c.acquire(ctx, a, call{api: apiRelay, bulkhead: bulkheadRelay})
}

// outbound is the request as WeChat gets it.
func (c *Client) outbound(in *http.Request, body replayable, k call) *http.Request {
	u := *c.current.Load().base
	u.RawPath = u.EscapedPath() + withLeadingSlash(in.URL.EscapedPath())
	u.Path += withLeadingSlash(in.URL.Path)
	u.RawQuery = withAccessToken(in.URL.RawQuery, k.query)
	header := http.Header{"User-Agent": {userAgent}}
	for _, name := range relayedHeaders {
		if values := in.Header.Values(name); len(values) > 0 {
			header[name] = values
		}
	}
	out := &http.Request{Method: in.Method, URL: &u, Host: u.Host, Header: header, ContentLength: body.length}
	out.Body = body.reader()
	return out.WithContext(in.Context())
}

func withLeadingSlash(path string) string { return "/" + strings.TrimPrefix(path, "/") }

// withAccessToken replaces every access_token of a query, however it is written, and
// cloudbase_access_token, which takes its place in WeChat's cloud, and leaves the
// rest as it was sent.
func withAccessToken(rawQuery string, token url.Values) string {
	pairs := strings.Split(rawQuery, "&")
	pairs = slices.DeleteFunc(pairs, func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		return pair == "" || err == nil && isTokenName(name)
	})
	return strings.Join(append(pairs, token.Encode()), "&")
}

// callersQuery gives the parameters of a query but for access tokens.
func callersQuery(rawQuery string) (url.Values, error) {
	q, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, ErrNotEncryptable
	}
	maps.DeleteFunc(q, func(name string, _ []string) bool { return isTokenName(name) })
	return q, nil
}

func isTokenName(name string) bool {
	name = strings.ToLower(name)
	return name == "access_token" || name == "cloudbase_access_token"
}

// errorIn reads the errcode of a short answer without taking anything from its body.
// Only the content tells: errors come with status 200, and with image types too.
func errorIn(k call, res *http.Response) error {
	if res.StatusCode >= http.StatusInternalServerError {
		return unavailable(k.api, fmt.Sprintf("status %d", res.StatusCode), retryAfterDefault)
	}
	if res.StatusCode != http.StatusOK || res.ContentLength > maxTokenAnswer {
		return nil
	}
	var v errcodeFields
	if json.Unmarshal(peek(res), &v) != nil || v.Errcode == 0 {
		return nil
	}
	return refusal(k.api, int(v.Errcode), printable(v.Errmsg, k.secrets...))
}

// peek gives the start of the body, which stays readable in full. It doesn't wait
// for more than it takes to see that this is no JSON object.
func peek(res *http.Response) []byte {
	r := bufio.NewReaderSize(res.Body, maxTokenAnswer)
	res.Body = struct {
		io.Reader
		io.Closer
	}{r, res.Body}
	if first, err := r.Peek(1); err != nil || first[0] != '{' {
		return nil
	}
	start, _ := r.Peek(maxTokenAnswer) // less at the body's end
	return start
}

// relayError is transportError, but for a body that its sender broke off or made too long.
func relayError(ctx context.Context, k call, body replayable, err error) error {
	if body.rest != nil {
		if sender := body.rest.failure(); sender != nil {
			return &bodyError{sender}
		}
	}
	return transportError(ctx, k, err)
}

// relayedBody is an answer's body that releases its slot when it is closed.
type relayedBody struct {
	io.ReadCloser
	release func()
}

func (b *relayedBody) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}
