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
// allocation. It returns to the pool only if it is certain that no other goroutine uses a
// part of it; else it is left to the garbage collector. A late cancellation, a timer or a
// goroutine of a transport would otherwise end or read another client's request.
type outboundRequest struct {
	ctx        outboundContext
	sessionEnd sessionEnd
	interim    interimResponses
	header     outboundHeader
	url        url.URL
	request    http.Request
	call       upstream.Call
	body       requestBody

	fields [24]fieldlist.Field // memory for header
	values [24]string          // memory for the values of the response's header

	funcs outboundFuncs // kept when it returns to the pool
}

// outboundFuncs are the method values and the empty request of an outboundRequest. They
// are allocated once.
type outboundFuncs struct {
	emptyRequest   *http.Request // with outboundRequest.ctx as its context
	cancel         context.CancelCauseFunc
	parentEnded    func()
	sessionEnded   func()
	forwardInterim func(int, fieldlist.List) error
}

var outboundRequests = sync.Pool{New: func() any { return newOutboundRequest() }}

func newOutboundRequest() *outboundRequest {
	o := new(outboundRequest)
	o.funcs = outboundFuncs{
		emptyRequest: new(http.Request).WithContext(&o.ctx),
		cancel:       o.ctx.cancel, parentEnded: o.ctx.parentEnded, sessionEnded: o.sessionEnd.sessionEnded, forwardInterim: o.interim.forward,
	}
	return o
}

// acquireOutboundRequest returns an outboundRequest from the pool for rs. release must be
// called.
func acquireOutboundRequest(rs *requestState) *outboundRequest {
	o := outboundRequests.Get().(*outboundRequest)
	o.header.List = o.fields[:0]
	o.interim.rs = rs
	o.ctx.start(rs.r.Context(), o.funcs.parentEnded)
	return o
}

// release stops the timers, watches and goroutines of the request. It reports whether no
// other goroutine uses the request, and returns it to the pool in that case.
// finished is false if forwarding has panicked: its goroutines may then still run.
func (o *outboundRequest) release(finished bool) (reusable bool) {
	o.body.stop()
	o.interim.stop()
	sessionStopped := o.sessionEnd.stop()
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
	if o.funcs.emptyRequest == nil {
		return new(http.Request).WithContext(ctx)
	}
	o.request = *o.funcs.emptyRequest
	return &o.request
}

// outboundHeader is the header of a request to a backend.
type outboundHeader struct{ fieldlist.List }

// setNonEmpty sets a header under exactly this name, which need not be canonical. It does
// nothing if the name or the value is empty.
func (h *outboundHeader) setNonEmpty(name, value string) {
	if name != "" && value != "" {
		h.Set(name, value)
	}
}
