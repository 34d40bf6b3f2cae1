package wechat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"

	"wxgate/internal/sleep"
	"wxgate/internal/span"
	"wxgate/secret"
)

// Paths of the APIs that the client calls itself.
const (
	apiLogin        = "/sns/jscode2session"
	apiStableToken  = "/cgi-bin/stable_token"
	apiPhone        = "/wxa/business/getuserphonenumber"
	apiCheckSession = "/wxa/checksession"
	apiCheckData    = "/wxa/business/checkencryptedmsg"
	apiUserKeys     = "/wxa/business/getuserencryptkey"
	apiResetKey     = "/wxa/resetusersessionkey"
	apiRelay        = "/relay" // the metric label of all relayed calls
)

// maxResponse limits a response body that is read whole, in bytes. WeChat's longest has
// about 2 KiB.
const maxResponse = 64 << 10

// apiCall is a call of the WeChat API that the client makes itself.
type apiCall struct {
	api       string
	bulkhead  bulkhead
	user      string // openid of the user that the call is for; empty: unknown
	query     url.Values
	body      any           // sent as JSON with POST; nil: GET without a body
	singleUse bool          // contains a code that works once: must not be sent twice
	secrets   []secret.Text // values in the request that are redacted in errors
	security  *apiSecurity  // nil: neither signed nor encrypted
}

// withAccessToken returns the call with an access token, which is redacted in errors.
func (call apiCall) withAccessToken(token secret.Text) apiCall {
	query := url.Values{"access_token": {token.Reveal()}}
	maps.Copy(query, call.query)
	call.query, call.secrets = query, append(slices.Clip(call.secrets), token)
	return call
}

// do makes the call within its bulkhead and decodes the response into out. After errcode
// -1 (WeChat is busy) it retries once; no other errcode is safe to retry.
func (c *Client) do(ctx context.Context, a *app, call apiCall, out any) error {
	if a.security.covers(call.api) {
		call.security = a.security
	}
	report, release, err := c.acquire(ctx, a, call)
	if err != nil {
		return err
	}
	defer release()
	err = c.attempt(ctx, call, out)
	if isBusy(err) && sleep.For(ctx, busyRetryDelay()) {
		err = c.attempt(ctx, call, out)
	}
	report(err)
	c.logOperatorError(a, err)
	return err
}

func isBusy(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == codeBusy
}

// busyRetryDelay is 100 to 300 ms: short enough for a user who waits for the login, and
// random, so that many calls don't retry at the same moment.
func busyRetryDelay() time.Duration {
	return 100*time.Millisecond + rand.N(200*time.Millisecond)
}

// attempt sends the call once, and records a span and metrics.
func (c *Client) attempt(ctx context.Context, call apiCall, out any) error {
	start := time.Now()
	ctx, end := span.StartClient(ctx, "WeChat "+call.api, append(span.ServerAddress(c.current.Load().base.Host), semconv.URLPath(call.api))...)
	err := c.roundTrip(ctx, call, out)
	end(err)
	c.metrics.recordCall(call.api, time.Since(start), err)
	return err
}

func (c *Client) roundTrip(ctx context.Context, call apiCall, out any) error {
	req, err := c.newRequest(ctx, call)
	if err != nil {
		return err
	}
	res, err := c.transport(call).RoundTrip(req)
	if err != nil {
		return transportError(ctx, call, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return unavailable(call.api, fmt.Sprintf("status %d", res.StatusCode), retryAfterDefault)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxResponse+1))
	if err != nil {
		return transportError(ctx, call, err)
	}
	if len(body) > maxResponse {
		return unavailable(call.api, "the response is too long", retryAfterDefault)
	}
	if call.security != nil {
		if body, err = c.openResponse(call, res.Header, body); err != nil {
			return err
		}
	}
	return decode(call, body, out)
}

func (c *Client) transport(call apiCall) http.RoundTripper {
	if call.singleUse {
		return c.singleUse
	}
	return c.current.Load().pooled
}

// openResponse verifies and decrypts a response, and returns its JSON. An unsigned
// response is an error. The only exception is an unsigned errcode for an
// invalid access token: if it is forged, the token is replaced without need.
func (c *Client) openResponse(call apiCall, header http.Header, body []byte) ([]byte, error) {
	plain, err := call.security.open(apiURL(c.current.Load().base, call.api), header, body, c.now())
	if err == nil {
		return plain, nil
	}
	var unsigned errcodeFields
	if json.Unmarshal(body, &unsigned) != nil || unsigned.Errcode == 0 {
		return nil, unverified(call.api, err.Error())
	}
	if isTokenErrcode(int(unsigned.Errcode)) {
		return nil, errcodeError(call.api, int(unsigned.Errcode), printable(unsigned.Errmsg, call.secrets...))
	}
	return nil, unverified(call.api, fmt.Sprintf("%v; the unsigned body has errcode %d: %s", err, unsigned.Errcode, printable(unsigned.Errmsg, call.secrets...)))
}
