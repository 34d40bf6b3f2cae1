package proxy

import (
	"context"
	"net/http"
	"net/url"
	"sync"

	"wxgate/internal/fieldlist"
	"wxgate/proxy/upstream"
)

// outboundRequest is the request to a backend, with the state of forwarding it, in one
// allocation. It returns to the pool only where no other goroutine can still use a part
// of it: a late cancellation, a timer or a goroutine of a transport would otherwise end
// or read another client's request. Where that is not certain, it is left to the garbage
// collector.
type outboundRequest struct {
	ctx     outboundContext
	session sessionEnd
	early   earlyHints
	header  outboundHeader
	url     url.URL
	request http.Request
	call    upstream.Call
	body    requestBody

	fields [24]fieldlist.Field // for header
	values [24]string          // for the response's header

	funcs outboundFuncs // kept when it returns to the pool
}

// outboundFuncs are the method values and the empty request of an outboundRequest. They
// are allocated once.
type outboundFuncs struct {
	blank        *http.Request // with outboundRequest.ctx as its context
	cancel       context.CancelCauseFunc
	onClientEnd  func()
	sessionEnded func()
	interim      func(int, fieldlist.List) error
}

var outboundRequests = sync.Pool{New: func() any { return newOutboundRequest() }}

func newOutboundRequest() *outboundRequest {
	o := new(outboundRequest)
	o.funcs = outboundFuncs{
		blank:  new(http.Request).WithContext(&o.ctx),
		cancel: o.ctx.cancel, onClientEnd: o.ctx.onClientEnd, sessionEnded: o.session.sessionEnded, interim: o.early.forward,
	}
	return o
}

// acquireOutboundRequest takes an outboundRequest from the pool for rc. release must be
// called.
func acquireOutboundRequest(rc *requestContext) *outboundRequest {
	o := outboundRequests.Get().(*outboundRequest)
	o.header.List = o.fields[:0]
	o.early.rc = rc
	o.ctx.start(rc.r.Context(), o.funcs.onClientEnd)
	return o
}

// release stops the timers, watches and goroutines of the request. It reports whether no
// other goroutine can use the request any more, and returns it to the pool in that case.
// finished is false where forwarding has panicked: then it is not known what still runs.
func (o *outboundRequest) release(finished bool) (unshared bool) {
	o.body.detach()
	o.early.stop()
	sessionStopped := o.session.stop()
	contextStopped := o.ctx.stop()
	if !finished || !sessionStopped || !contextStopped || o.ctx.Shared() || !o.call.Reusable() {
		return false
	}
	*o = outboundRequest{funcs: o.funcs}
	outboundRequests.Put(o)
	return true
}

// newRequest returns an empty request with the context ctx. For an outboundRequest from
// the pool ctx must be &o.ctx.
func (o *outboundRequest) newRequest(ctx context.Context) *http.Request {
	if o.funcs.blank == nil {
		return new(http.Request).WithContext(ctx)
	}
	o.request = *o.funcs.blank
	return &o.request
}

// outboundHeader is the header of a request to a backend.
type outboundHeader struct{ fieldlist.List }

// setNonEmpty sets a header under exactly this name, which need not be canonical. It does
// nothing where the name or the value is empty.
func (h *outboundHeader) setNonEmpty(name, value string) {
	if name != "" && value != "" {
		h.Set(name, value)
	}
}
