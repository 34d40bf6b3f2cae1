package proxy

import (
	"context"
	"net/http"
	"net/url"
	"sync"

	"wxgate/internal/fieldlist"
	"wxgate/proxy/upstream"
)

// forwarding is what it takes to ask a backend, in one piece. Its memory serves
// one request after the other, but only where nobody else can still have a part of
// it: a late cancellation, a timer or a goroutine of a transport would end or read
// another client's request. Where that isn't certain it is left to the collector.
type outboundRequest struct {
	ctx     forwardContext
	session sessionEnd
	early   earlyHints
	header  outHeader
	url     url.URL
	request http.Request
	call    upstream.Call
	body    requestBody

	fields [24]fieldlist.Field // for header
	values [24]string          // for the response's header

	kept outboundFuncs
}

// outboundFuncs are the same for each request.
type outboundFuncs struct {
	blank        *http.Request // whose context is ctx
	cancel       context.CancelCauseFunc
	clientGone   func()
	sessionEnded func()
	interim      func(int, fieldlist.List) error
}

var outboundRequests = sync.Pool{New: func() any { return newOutboundRequest() }}

func newOutboundRequest() *outboundRequest {
	f := new(outboundRequest)
	f.kept = outboundFuncs{
		blank:  new(http.Request).WithContext(&f.ctx),
		cancel: f.ctx.cancel, clientGone: f.ctx.clientGone, sessionEnded: f.session.sessionEnded, interim: f.early.pass,
	}
	return f
}

// acquireOutboundRequest begins to forward a request; release must be called.
func acquireOutboundRequest(rc *requestContext) *outboundRequest {
	f := outboundRequests.Get().(*outboundRequest)
	f.header.List = f.fields[:0]
	f.early.rc = rc
	f.ctx.follow(rc.r.Context(), f.kept.clientGone)
	return f
}

// release ends all that the request has begun. It reports whether nobody but the
// caller has the request any more, however late. Where forwarding has not finished,
// but panicked, that isn't known.
func (f *outboundRequest) release(finished bool) (alone bool) {
	f.body.detach()
	f.early.stop()
	watched := f.session.stop()
	followed := f.ctx.end()
	if !finished || !watched || !followed || f.ctx.Shared() || !f.call.Released() {
		return false
	}
	*f = outboundRequest{kept: f.kept}
	outboundRequests.Put(f)
	return true
}

// newRequest gives an empty request with the context, which is f.ctx but for a
// WebSocket's handshake.
func (f *outboundRequest) newRequest(ctx context.Context) *http.Request {
	if f.kept.blank == nil {
		return new(http.Request).WithContext(ctx)
	}
	f.request = *f.kept.blank
	return &f.request
}
