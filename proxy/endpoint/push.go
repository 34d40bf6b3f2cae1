package endpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"go.uber.org/zap"

	"wxgate/apierror"
	"wxgate/session"
	"wxgate/wechat"
)

// Push is the message push of one app: WeChat sends messages and events to
// {prefix}/push/{appid}, and the gateway forwards those that it has verified to one
// backend.
type Push struct {
	Verifier *wechat.Push
	Upstream string        // URL without a query
	Timeout  time.Duration // until the backend has responded; WeChat waits five seconds
	Client   *http.Client  // see NewBackendClient

	// The names of the identity headers to the backend. AssertionHeader is empty
	// if assertions are off.
	AppIDHeader, OpenIDHeader, AssertionHeader string
}

const (
	maxPushResponse = 1 << 20 // bytes of the backend's response

	pushAccepted = "success" // tells WeChat that the message was handled and has no reply
)

// pushEndpoints serves the push of one app.
type pushEndpoints struct {
	*Handler
	push  Push
	appid string
}

// verifyURL serves GET {prefix}/push/{appid}: WeChat's console verifies that the URL is
// the developer's. A request that WeChat didn't sign gets 403.
func (p pushEndpoints) verifyURL(r *Request) error {
	echo, err := p.push.Verifier.CheckURL(r.HTTP.URL.RawQuery, p.Now())
	if err != nil {
		return p.refusal()
	}
	writeText(r, echo)
	return nil
}

// receive serves POST {prefix}/push/{appid}. The message is verified before Redis or the
// backend gets a request; every failed verification gets the same 403. A message is
// handled once. After a 500 WeChat sends it again.
func (p pushEndpoints) receive(r *Request) error {
	body, err := io.ReadAll(r.HTTP.Body)
	if err != nil {
		return err
	}
	m, err := p.push.Verifier.Open(r.HTTP.URL.RawQuery, body, p.Now())
	if err != nil {
		return p.refusal()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.HTTP.Context()), p.push.Timeout)
	defer cancel()
	claim, stored, err := p.Sessions.ClaimPush(ctx, p.appid, m.ID, p.push.Timeout)
	switch {
	case errors.Is(err, session.ErrPushBusy):
		p.countOutcome("under_way")
		return apierror.New(apierror.Internal, "the message is being handled")
	case err == nil && claim == nil:
		p.countOutcome("repeated")
		p.writeReply(r, m, stored)
		return nil
	case err != nil:
		p.Log.Warn("push forwarded without the check for repeats", zap.String("appid", p.appid), zap.Error(err))
	}
	return p.handle(ctx, r, m, claim)
}

func (p pushEndpoints) refusal() error {
	p.countOutcome("refused")
	return apierror.New(apierror.Forbidden, "this is no push of WeChat's for this app")
}

func (p pushEndpoints) countOutcome(outcome string) { p.Pushes.WithLabelValues(p.appid, outcome).Inc() }

// handle forwards the message and finishes or releases the claim, which is nil while
// Redis is unreachable. The claim has a deadline of its own, since the backend may have
// used up ctx's.
func (p pushEndpoints) handle(ctx context.Context, r *Request, m wechat.PushMessage, claim *session.PushClaim) error {
	reply, err := p.forward(ctx, r, m, claim != nil)
	claimCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err != nil {
		p.countOutcome("failed")
		if claim != nil {
			err = errors.Join(err, claim.Release(claimCtx))
		}
		return apierror.New(apierror.Internal, "the message could not be handled").WithCause(fmt.Errorf("push: %w", err))
	}
	p.countOutcome("ok")
	if claim != nil {
		if err := claim.Finish(claimCtx, reply); err != nil {
			p.Log.Warn("push reply could not be stored", zap.String("appid", p.appid), zap.Error(err))
		}
	}
	p.writeReply(r, m, reply)
	return nil
}

// writeReply responds to WeChat. The reply is encrypted anew each time, with a fresh
// nonce and timestamp.
func (p pushEndpoints) writeReply(r *Request, m wechat.PushMessage, reply []byte) {
	if len(reply) == 0 {
		writeText(r, pushAccepted)
		return
	}
	body, contentType := p.push.Verifier.Reply(m, reply, p.Now())
	write(r, contentType, body)
}
