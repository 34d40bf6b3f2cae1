package endpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/internal/httprule"
	"wxgate/session"
	"wxgate/wechat"
)

// Push is an app's message push: WeChat sends what users do and say to
// {prefix}/push/{appid}, and the gateway sends what it could verify on to one
// backend.
type Push struct {
	Verifier *wechat.Push
	Upstream string        // URL without a query
	Timeout  time.Duration // for the backend's answer; WeChat waits five seconds
	Client   *http.Client  // see NewBackendClient

	// The headers that tell the backend whom the message is from. Assertion
	// is empty where assertions are off.
	AppIDHeader, OpenIDHeader, AssertionHeader string
}

const (
	maxPushResponse = 1 << 20 // bytes of a backend's answer

	// dedupeHeader is the header of a message that was sent on unchecked: it may
	// have been handled before.
	dedupeHeader = "X-Push-Dedupe"

	pushAccepted = "success" // what WeChat takes for: handled, no reply
)

// pushEndpoints answers for one app.
type pushEndpoints struct {
	*Handler
	push  Push
	appid string
}

// verifyURL answers GET {prefix}/push/{appid}: WeChat's console asks whether the
// address is the developer's. 403 for anything that WeChat did not sign.
func (p pushEndpoints) verifyURL(r *Request) error {
	echo, err := p.push.Verifier.CheckURL(r.HTTP.URL.RawQuery, p.Now())
	if err != nil {
		return p.refused()
	}
	writeText(r, echo)
	return nil
}

// receive answers POST {prefix}/push/{appid}. Everything is verified before
// Redis or the backend is asked; what can't be verified is 403, one and the
// same. A message is handled once; 500 makes WeChat send it again.
func (p pushEndpoints) receive(r *Request) error {
	body, err := io.ReadAll(r.HTTP.Body)
	if err != nil {
		return err
	}
	m, err := p.push.Verifier.Open(r.HTTP.URL.RawQuery, body, p.Now())
	if err != nil {
		return p.refused()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.HTTP.Context()), p.push.Timeout)
	defer cancel()
	claim, stored, err := p.Sessions.ClaimPush(ctx, p.appid, m.ID, p.push.Timeout)
	switch {
	case errors.Is(err, session.ErrPushBusy):
		p.count("under_way")
		return apierror.New(apierror.Internal, "the message is being handled")
	case err == nil && claim == nil:
		p.count("repeated")
		p.reply(r, m, stored)
		return nil
	case err != nil:
		p.Log.Warn("a push is not checked for repeats", zap.String("appid", p.appid), zap.Error(err))
	}
	return p.handle(ctx, r, m, claim)
}

func (p pushEndpoints) refused() error {
	p.count("refused")
	return apierror.New(apierror.Forbidden, "this is no push of WeChat's for this app")
}

func (p pushEndpoints) count(outcome string) { p.Pushes.WithLabelValues(p.appid, outcome).Inc() }

// handle asks the backend and ends the claim, which is nil while Redis is unreachable.
// What the backend's time has run out for is still released.
func (p pushEndpoints) handle(ctx context.Context, r *Request, m wechat.PushMessage, claim *session.PushClaim) error {
	reply, err := p.forward(ctx, r, m, claim != nil)
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err != nil {
		p.count("failed")
		if claim != nil {
			err = errors.Join(err, claim.Release(ending))
		}
		return apierror.New(apierror.Internal, "the message could not be handled").WithCause(fmt.Errorf("push: %w", err))
	}
	p.count("ok")
	if claim != nil {
		if err := claim.Finish(ending, reply); err != nil {
			p.Log.Warn("a push's reply could not be kept", zap.String("appid", p.appid), zap.Error(err))
		}
	}
	p.reply(r, m, reply)
	return nil
}

// forward sends the message on, and gives the passive reply, nil where the
// backend has none.
func (p pushEndpoints) forward(ctx context.Context, r *Request, m wechat.PushMessage, checked bool) ([]byte, error) {
	req, err := p.outbound(ctx, r, m)
	if err != nil {
		return nil, err
	}
	if !checked {
		req.Header.Set(dedupeHeader, "off")
	}
	res, err := p.push.Client.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer res.Body.Close()
	return readPushResponse(res)
}

func (p pushEndpoints) outbound(ctx context.Context, r *Request, m wechat.PushMessage) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.push.Upstream+"?"+m.Query, bytes.NewReader(m.Body))
	if err != nil {
		return nil, withoutURL(err)
	}
	h := req.Header
	h["Content-Type"] = []string{string(m.Format)}
	h[httprule.RequestIDHeader] = []string{r.ID}
	h[p.push.AppIDHeader] = []string{p.appid}
	if m.OpenID == "" {
		return req, nil // plain mode: nothing says whom it is from
	}
	h[p.push.OpenIDHeader] = []string{httprule.EncodeHeaderValue(m.OpenID, "")}
	if p.push.AssertionHeader == "" {
		return req, nil
	}
	signed, err := p.Sessions.AssertUser(p.appid, m.OpenID, httprule.PushAudience)
	h[p.push.AssertionHeader] = []string{signed}
	return req, err
}

// readPushResponse takes a 2xx with nothing, with "success", or with a message.
func readPushResponse(res *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(res.Body, maxPushResponse+1))
	if err != nil {
		return nil, withoutURL(err)
	}
	text := bytes.TrimSpace(body)
	switch {
	case res.StatusCode < 200 || res.StatusCode > 299:
		return nil, fmt.Errorf("the backend answered with status %d", res.StatusCode)
	case len(body) > maxPushResponse:
		return nil, errors.New("the backend's reply is too large")
	case len(text) == 0, string(text) == pushAccepted:
		return nil, nil
	case !utf8.Valid(text) || text[0] != '<' && text[0] != '{':
		return nil, errors.New("the backend's reply is neither success, nor XML, nor JSON")
	case wechat.IsEncryptedReply(text):
		return nil, errors.New("the backend's reply is encrypted: its SDK has to be in plain mode, the gateway encrypts")
	}
	return text, nil
}

// reply answers WeChat; an encrypted reply is made anew each time.
func (p pushEndpoints) reply(r *Request, m wechat.PushMessage, reply []byte) {
	if len(reply) == 0 {
		writeText(r, pushAccepted)
		return
	}
	body, contentType := p.push.Verifier.Reply(m, reply, p.Now())
	write(r, contentType, body)
}

func writeText(r *Request, text string) { write(r, "text/plain; charset=utf-8", []byte(text)) }
