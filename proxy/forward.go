package proxy

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"wxgate/apierror"
	"wxgate/internal/http1"
	"wxgate/internal/httprule"
	"wxgate/proxy/upstream"
)

// forward sends the request to the route's upstream and the response to the client. The
// outbound request is a new one: only what is copied here reaches the backend.
func (g *Gateway) forward(rc *requestContext) error {
	rc.done = true
	if rc.isWebSocket() {
		return g.forwardWebSocket(rc)
	}
	o, finished := acquireOutboundRequest(rc), false
	defer func() { rc.reusable = o.release(finished) }()
	err := g.forwardWith(rc, o)
	finished = true
	return err
}

func (g *Gateway) forwardWith(rc *requestContext, o *outboundRequest) error {
	g.watchSession(rc, o)
	body, err := g.buildOutboundRequest(&o.ctx, rc, o)
	if err != nil {
		return err
	}
	o.call.Interim, o.call.Canceler = o.funcs.interim, &o.ctx.canceler
	res, err := g.roundTrip(rc, &o.call)
	o.early.stop()
	if err != nil {
		return g.forwardError(&o.ctx, err, body)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusSwitchingProtocols {
		// No upgrade was requested: handshakes of WebSockets are in forwardWebSocket.
		return apierror.New(apierror.UpstreamError, "the backend switched protocols without a request to do so")
	}
	o.session.responseStarted(res)
	return g.sendResponse(&o.ctx, rc, o, res, body)
}

// roundTrip sends a request to the route's upstream, and records address and time.
func (g *Gateway) roundTrip(rc *requestContext, call *upstream.Call) (res *upstream.Response, err error) {
	if s := rc.session(); s != nil && rc.route.HashByOpenID {
		call.HashKey = s.OpenID
	}
	span := g.startUpstreamSpan(rc, call)
	defer func() { rc.endUpstreamSpan(span, call.Request.Method, res, err) }()
	sent := time.Now()
	res, err = rc.route.Upstream.Do(call)
	if err != nil {
		rc.upstreamAddr = call.Request.URL.Host
		return nil, err
	}
	rc.upstreamAddr, rc.upstreamTime = res.Address, time.Since(sent)
	return res, nil
}

// buildOutboundRequest fills o.call, the request for the backend. Its URL has no host:
// the upstream group chooses one.
func (g *Gateway) buildOutboundRequest(ctx context.Context, rc *requestContext, o *outboundRequest) (*requestBody, error) {
	r, rt, h := rc.r, rc.route, &o.header
	h.copyFromClient(rc.config.headers, r.Header, rc.trusted)
	if slices.Contains(r.Header["Te"], "trailers") {
		h.Set("Te", "trailers") // required by gRPC
	}
	rc.setForwarded(h)
	if err := g.setIdentity(h, rc); err != nil {
		return nil, err
	}
	if err := g.setCookies(ctx, h, rc); err != nil {
		return nil, err
	}
	rt.applyRequestRules(h)
	o.url = rt.backendURL(r.URL)
	out := o.newRequest(ctx)
	out.Method, out.URL, out.ContentLength = r.Method, &o.url, r.ContentLength
	out.Proto, out.ProtoMajor, out.ProtoMinor = "HTTP/1.1", 1, 1
	if rt.PreserveHost {
		out.Host = r.Host
	}
	o.call.Request, o.call.Header = out, h.List
	return rc.attachBody(out, o), nil
}

// setIdentity sets the identity headers and the assertion. copyFromClient has stripped
// the client's.
func (g *Gateway) setIdentity(h *outboundHeader, rc *requestContext) error {
	s, identity := rc.session(), &rc.config.Identity
	if s == nil {
		return nil
	}
	identity.set(h, s)
	if identity.Assertion == "" {
		return nil
	}
	signed, err := g.Sessions.Assert(s, rc.route.Name)
	if err != nil {
		return err
	}
	h.setNonEmpty(identity.Assertion, signed)
	return nil
}

// applyRequestRules applies request_headers of the route. Package config rejects rules
// for the headers that only the gateway sets.
func (rt *Route) applyRequestRules(h *outboundHeader) {
	for _, name := range rt.RequestRemove {
		h.Delete(name)
	}
	for name, value := range rt.RequestSet {
		h.Set(name, value)
	}
}

// attachBody sets the client's body and trailers on out, with the route's limits.
func (rc *requestContext) attachBody(out *http.Request, o *outboundRequest) *requestBody {
	r := rc.r
	if r.ContentLength == 0 {
		return nil // a request without a body may be retried
	}
	var onEOF func()
	if len(r.Trailer) > 0 {
		out.Trailer = make(http.Header, len(r.Trailer))
		for name := range r.Trailer {
			if rc.allowedTrailer(name) {
				out.Trailer[name] = nil
			}
		}
		onEOF = func() { fillTrailers(out.Trailer, r.Trailer) }
	}
	o.body.start(rc, rc.route.MaxBody, routeBodyLimits(r), onEOF)
	out.Body = &o.body
	return &o.body
}

// allowedTrailer reports whether a client may send the trailer. A name that the route's
// rules set or remove in the header must not be sent as a trailer either.
func (rc *requestContext) allowedTrailer(name string) bool {
	_, set := rc.route.RequestSet[name]
	return rc.config.headers.Request(name).PassesFromClient(rc.trusted) && httprule.AllowedInTrailer(name) &&
		!set && !slices.Contains(rc.route.RequestRemove, name)
}

// fillTrailers sets the values of the announced trailers; others are dropped.
func fillTrailers(announced, received http.Header) {
	for name := range announced {
		announced[name] = received[name]
	}
}

// overloadedRetryAfter is the Retry-After of 503 overloaded.
const overloadedRetryAfter = time.Second

// upstreamRetryAfter is the Retry-After of 503 no_healthy_upstream: about the time after
// which an ejected endpoint is tried again.
const upstreamRetryAfter = 2 * time.Second

// errAbortedByShutdown is the logged cause of requests that did not finish within
// shutdown_timeout.
var errAbortedByShutdown = errors.New("aborted by the gateway's shutdown")

// forwardError maps an error of forwarding to the gateway's error: the session's end, an
// error of the client, the gateway's shutdown, or an error of the backend.
func (g *Gateway) forwardError(ctx context.Context, err error, body *requestBody) *apierror.Error {
	var cause *apierror.Error
	if errors.As(causeOf(ctx), &cause) {
		return cause
	}
	if e := body.clientError(); e != nil {
		return e
	}
	switch {
	case ctx.Err() != nil && (g.aborting.Load() || errors.Is(ctx.Err(), http1.ErrShutdown)):
		// No 503: a client may repeat a request after that, and the backend may have
		// processed this one.
		return apierror.New(apierror.UpstreamError, "the gateway shut down before the backend responded").WithCause(errAbortedByShutdown)
	case ctx.Err() != nil:
		return apierror.New(apierror.ClientClosed, "the client closed the connection").WithCause(err)
	case errors.Is(err, upstream.ErrOverloaded):
		e := apierror.New(apierror.Overloaded, "the gateway is overloaded, try again").WithCause(err)
		e.RetryAfter = overloadedRetryAfter
		return e
	case errors.Is(err, upstream.ErrNoHealthy):
		e := apierror.New(apierror.NoHealthyUpstream, "no backend is healthy, try again").WithCause(err)
		e.RetryAfter = upstreamRetryAfter
		return e
	case errors.Is(err, upstream.ErrRequestBody):
		return bodyError(err)
	case errors.Is(err, upstream.ErrTimeout):
		return apierror.New(apierror.UpstreamTimeout, "the backend did not respond in time").WithCause(err)
	}
	return apierror.New(apierror.UpstreamError, "the backend could not be reached, or its response was incomplete").WithCause(err)
}

// shutdownError is the error of what is still open at the end of shutdown_timeout.
func shutdownError() *apierror.Error {
	e := apierror.New(apierror.Overloaded, "the gateway is shutting down")
	e.RetryAfter = overloadedRetryAfter
	return e
}
