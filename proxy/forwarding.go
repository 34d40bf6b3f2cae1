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
type forwarding struct {
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

	kept forwardingFuncs
}

// forwardingFuncs are the same for each request.
type forwardingFuncs struct {
	blank        *http.Request // whose context is ctx
	cancel       context.CancelCauseFunc
	clientGone   func()
	sessionEnded func()
	interim      func(int, fieldlist.List) error
}

var forwardings = sync.Pool{New: func() any { return makeForwarding() }}

func makeForwarding() *forwarding {
	f := new(forwarding)
	f.kept = forwardingFuncs{
		blank:  new(http.Request).WithContext(&f.ctx),
		cancel: f.ctx.cancel, clientGone: f.ctx.clientGone, sessionEnded: f.session.sessionEnded, interim: f.early.pass,
	}
	return f
}

// newForwarding begins to forward a request; release must be called.
func newForwarding(rc *requestContext) *forwarding {
	f := forwardings.Get().(*forwarding)
	f.header.List = f.fields[:0]
	f.early.rc = rc
	f.ctx.follow(rc.r.Context(), f.kept.clientGone)
	return f
}

// release ends all that the request has begun. It reports whether nobody but the
// caller has the request any more, however late. Where forwarding has not finished,
// but panicked, that isn't known.
func (f *forwarding) release(finished bool) (alone bool) {
	f.body.detach()
	f.early.stop()
	watched := f.session.stop()
	followed := f.ctx.end()
	if !finished || !watched || !followed || f.ctx.Shared() || !f.call.Released() {
		return false
	}
	*f = forwarding{kept: f.kept}
	forwardings.Put(f)
	return true
}

// newRequest gives an empty request with the context, which is f.ctx but for a
// WebSocket's handshake.
func (f *forwarding) newRequest(ctx context.Context) *http.Request {
	if f.kept.blank == nil {
		return new(http.Request).WithContext(ctx)
	}
	f.request = *f.kept.blank
	return &f.request
}
