package wechat

import (
	"bytes"
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
	"go.uber.org/zap"

	"wxgate/internal/sleep"
	"wxgate/internal/span"
	"wxgate/secret"
)

// Paths of the calls that the client makes itself.
const (
	apiLogin        = "/sns/jscode2session"
	apiStableToken  = "/cgi-bin/stable_token"
	apiPhone        = "/wxa/business/getuserphonenumber"
	apiCheckSession = "/wxa/checksession"
	apiCheckData    = "/wxa/business/checkencryptedmsg"
	apiUserKeys     = "/wxa/business/getuserencryptkey"
	apiResetKey     = "/wxa/resetusersessionkey"
	apiRelay        = "/relay" // stands for all relayed paths in metrics
)

const userAgent = "wxgate"

// maxAnswer bounds an answer that is read whole. The longest has some 2 KiB.
const maxAnswer = 64 << 10

// call is one call of the client's own.
type call struct {
	api       string
	bulkhead  bulkhead
	user      string // openid of the user whose request this is, where it is known
	query     url.Values
	body      any           // sent as JSON by POST; nil: a GET
	singleUse bool          // carries a code that works once: never sent twice
	secrets   []secret.Text // what it carries that no error may show
	security  *apiSecurity  // nil: in the plain
}

// with gives the call with an access token, and keeps that out of its errors.
func (k call) with(token secret.Text) call {
	query := url.Values{"access_token": {token.Reveal()}}
	maps.Copy(query, k.query)
	k.query, k.secrets = query, append(slices.Clip(k.secrets), token)
	return k
}

// do makes the call within its bulkhead and decodes the answer into out.
// A busy WeChat (-1) is asked once more: that errcode alone is safe to repeat.
func (c *Client) do(ctx context.Context, a *app, k call, out any) error {
	if a.security.covers(k.api) {
		k.security = a.security
	}
	report, release, err := c.acquire(ctx, a, k)
	if err != nil {
		return err
	}
	defer release()
	err = c.attempt(ctx, k, out)
	if isBusy(err) && sleep.For(ctx, busyPause()) {
		err = c.attempt(ctx, k, out)
	}
	report(err)
	c.logOperatorError(a, err)
	return err
}

func isBusy(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == codeBusy
}

// busyPause is 100 to 300 ms: longer would be felt by a user who waits, and a
// spread keeps many waiting calls from coming back together.
func busyPause() time.Duration {
	return 100*time.Millisecond + rand.N(200*time.Millisecond)
}

// attempt makes the call once.
func (c *Client) attempt(ctx context.Context, k call, out any) error {
	start := time.Now()
	ctx, end := span.Client(ctx, "WeChat "+k.api, append(span.Server(c.current.Load().base.Host), semconv.URLPath(k.api))...)
	err := c.roundTrip(ctx, k, out)
	end(err)
	c.metrics.call(k.api, time.Since(start), err)
	return err
}

func (c *Client) roundTrip(ctx context.Context, k call, out any) error {
	req, err := c.request(ctx, k)
	if err != nil {
		return err
	}
	res, err := c.transport(k).RoundTrip(req)
	if err != nil {
		return transportError(ctx, k, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return unavailable(k.api, fmt.Sprintf("status %d", res.StatusCode), retryAfterDefault)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return transportError(ctx, k, err)
	}
	if len(body) > maxAnswer {
		return unavailable(k.api, "the answer is too long", retryAfterDefault)
	}
	if k.security != nil {
		if body, err = c.openAnswer(k, res.Header, body); err != nil {
			return err
		}
	}
	return decode(k, body, out)
}

func (c *Client) transport(k call) http.RoundTripper {
	if k.singleUse {
		return c.noKeepAlive
	}
	return c.current.Load().pooled
}

// openAnswer gives what a signed and encrypted answer says. One that isn't signed is
// refused, but for what it may say of the access token: a token that is dead is
// replaced, which does no harm if that was a lie.
func (c *Client) openAnswer(k call, header http.Header, body []byte) ([]byte, error) {
	plain, err := k.security.open(apiURL(c.current.Load().base, k.api), header, body, c.now())
	if err == nil {
		return plain, nil
	}
	var said errcodeFields
	if json.Unmarshal(body, &said) != nil || said.Errcode == 0 {
		return nil, unverified(k.api, err.Error())
	}
	if isDeadToken(int(said.Errcode)) {
		return nil, refusal(k.api, int(said.Errcode), printable(said.Errmsg, k.secrets...))
	}
	return nil, unverified(k.api, fmt.Sprintf("%v; unsigned, it says errcode %d: %s", err, said.Errcode, printable(said.Errmsg, k.secrets...)))
}

// request builds the HTTP request; values are escaped, so that a code of
// "x&appid=…" stays a code.
func (c *Client) request(ctx context.Context, k call) (*http.Request, error) {
	query, header := k.query, http.Header{}
	method, body, err := k.payload()
	if err == nil && k.security != nil {
		query, header, body, err = c.sealCall(k, body)
		method = http.MethodPost
	}
	if err != nil {
		return nil, fmt.Errorf("wechat: %s: %w", k.api, err)
	}
	u := c.current.Load().base.JoinPath(k.api)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("wechat: " + k.api + ": can't build the request")
	}
	maps.Copy(req.Header, header)
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent)
	return req, nil
}

// payload gives the method and the body in the plain.
func (k call) payload() (method string, body []byte, err error) {
	if k.body == nil {
		return http.MethodGet, nil, nil
	}
	text, err := unescapedJSON(k.body)
	if err != nil {
		return "", nil, err
	}
	return http.MethodPost, text.Bytes(), nil
}

// sealCall puts all but the access token into the encrypted body.
func (c *Client) sealCall(k call, body []byte) (query url.Values, header http.Header, sealed []byte, err error) {
	query = maps.Clone(k.query)
	token := url.Values{"access_token": query["access_token"]}
	delete(query, "access_token")
	sealed, header, err = k.security.seal(apiURL(c.current.Load().base, k.api), query, body, c.now())
	return token, header, sealed, err
}

// unescapedJSON leaves & and < as they are, so that a secret that comes back in an
// error reads as it does here and is found.
func unescapedJSON(v any) (*bytes.Buffer, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	return &b, e.Encode(v)
}

// transportError is the error for a request that got no answer. A caller that went away
// gets its own context's error.
func transportError(ctx context.Context, k call, err error) error {
	if gone := callerError(ctx); gone != nil {
		return fmt.Errorf("wechat: %s: %w", k.api, gone)
	}
	if ctx.Err() != nil {
		return unavailable(k.api, errTimeout.Error(), retryAfterDefault)
	}
	return unavailable(k.api, printable(err.Error(), k.secrets...), retryAfterDefault)
}

// logOperatorError logs what an operator has to mend.
func (c *Client) logOperatorError(a *app, err error) {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Hint() == "" {
		return
	}
	fields := []zap.Field{
		zap.String("appid", a.ID), zap.String("api", e.API), zap.Int("errcode", e.Code),
		zap.String("errmsg", e.Message), zap.String("do", e.Hint()),
	}
	if e.Code == codeBadIP {
		fields = append(fields, zap.String("ip", e.IP()))
	}
	c.log.Error("wechat refused a call: the operator has to act", fields...)
}
