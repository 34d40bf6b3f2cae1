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

// forward sends the request to the route's upstream and the answer back. The
// outbound request is made anew: nothing of the client's passes but what is
// copied here.
func (g *Gateway) forward(rc *requestContext) error {
	rc.done = true
	if rc.isWebSocket() {
		return g.forwardWebSocket(rc)
	}
	f, finished := acquireOutboundRequest(rc), false
	defer func() { rc.reusable = f.release(finished) }()
	err := g.forwardWith(rc, f)
	finished = true
	return err
}

func (g *Gateway) forwardWith(rc *requestContext, f *outboundRequest) error {
	g.watchSession(rc, f)
	body, err := g.buildOutboundRequest(&f.ctx, rc, f)
	if err != nil {
		return err
	}
	f.call.Interim, f.call.Canceler = f.kept.interim, &f.ctx.canceler
	res, err := g.roundTrip(rc, &f.call)
	f.early.stop()
	if err != nil {
		return g.forwardError(&f.ctx, err, body)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusSwitchingProtocols {
		// Nobody asked for it: a WebSocket's request does not come this way.
		return apierror.New(apierror.UpstreamError, "the backend switched protocols unasked")
	}
	f.session.responseStarted(res)
	return g.sendResponse(&f.ctx, rc, f, res, body)
}

// roundTrip asks the route's upstream.
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

// outbound makes the request for the backend, f.call. Its URL has no host yet, the
// upstream group chooses one.
func (g *Gateway) buildOutboundRequest(ctx context.Context, rc *requestContext, f *outboundRequest) (*requestBody, error) {
	r, rt, h := rc.r, rc.route, &f.header
	h.addFromClient(rc.config.headers, r.Header, rc.trusted)
	if slices.Contains(r.Header["Te"], "trailers") {
		h.Set("Te", "trailers") // gRPC insists on it
	}
	rc.setForwarded(h)
	if err := g.setIdentity(h, rc); err != nil {
		return nil, err
	}
	if err := g.setCookies(ctx, h, rc); err != nil {
		return nil, err
	}
	rt.changeRequest(h)
	f.url = rt.target(r.URL)
	out := f.newRequest(ctx)
	out.Method, out.URL, out.ContentLength = r.Method, &f.url, r.ContentLength
	out.Proto, out.ProtoMajor, out.ProtoMinor = "HTTP/1.1", 1, 1
	if rt.PreserveHost {
		out.Host = r.Host
	}
	f.call.Request, f.call.Header = out, h.List
	return rc.attachBody(out, f), nil
}

// setIdentity adds who the caller is; nothing under these names is in h yet.
func (g *Gateway) setIdentity(h *outHeader, rc *requestContext) error {
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
	h.put(identity.Assertion, signed)
	return nil
}

// changeRequest applies the route's own header rules, behind everything else
// but never to what the gateway owns (the config refuses those names).
func (rt *Route) changeRequest(h *outHeader) {
	for _, name := range rt.RequestRemove {
		h.Delete(name)
	}
	for name, value := range rt.RequestSet {
		h.Set(name, value)
	}
}

// attachBody gives out the client's body and trailers, bounded.
func (rc *requestContext) attachBody(out *http.Request, f *outboundRequest) *requestBody {
	r := rc.r
	if r.ContentLength == 0 {
		return nil // net/http may then repeat the request by itself
	}
	var onEOF func()
	if len(r.Trailer) > 0 {
		out.Trailer = make(http.Header, len(r.Trailer))
		for name := range r.Trailer {
			if rc.passesAsTrailer(name) {
				out.Trailer[name] = nil
			}
		}
		onEOF = func() { copyTrailers(out.Trailer, r.Trailer) }
	}
	f.body.begin(rc, rc.route.MaxBody, routeBodyLimits(r), onEOF)
	out.Body = &f.body
	return &f.body
}

// passesAsTrailer: what the route's rules set or remove in the header must not
// come behind the body.
func (rc *requestContext) passesAsTrailer(name string) bool {
	_, set := rc.route.RequestSet[name]
	return rc.config.headers.Request(name).PassesFromClient(rc.trusted) && httprule.AllowedInTrailer(name) &&
		!set && !slices.Contains(rc.route.RequestRemove, name)
}

// copyTrailers fills what was announced; a trailer that was not is dropped.
func copyTrailers(announced, came http.Header) {
	for name := range announced {
		announced[name] = came[name]
	}
}

// overloadedRetryAfter is what it takes a client to reach another instance, or
// this one to have room again.
const overloadedRetryAfter = time.Second

// upstreamRetryAfter is about what a failed target takes to be tried again.
const upstreamRetryAfter = 2 * time.Second

// errShutdownCut is the cause in the log of what shutdown_timeout left no time for.
var errShutdownCut = errors.New("cut off by the gateway's shutdown")

// forwardError says why there is no answer from the backend: the gateway's
// stop, the session's end, the client's own doing, or the backend's.
func (g *Gateway) forwardError(ctx context.Context, err error, body *requestBody) *apierror.Error {
	var ended *apierror.Error
	if errors.As(causeOf(ctx), &ended) {
		return ended
	}
	if e := body.clientError(); e != nil {
		return e
	}
	switch {
	case ctx.Err() != nil && (g.stopping.Load() || errors.Is(ctx.Err(), http1.ErrShutdown)):
		// A 503 would say that no backend has seen the request, and be repeated.
		return apierror.New(apierror.UpstreamError, "the gateway stopped before the backend had answered").WithCause(errShutdownCut)
	case ctx.Err() != nil:
		return apierror.New(apierror.ClientClosed, "the client went away").WithCause(err)
	case errors.Is(err, upstream.ErrOverloaded):
		e := apierror.New(apierror.Overloaded, "the gateway has no resources left, try again").WithCause(err)
		e.RetryAfter = overloadedRetryAfter
		return e
	case errors.Is(err, upstream.ErrNoHealthy):
		e := apierror.New(apierror.NoHealthyUpstream, "no backend is able to answer, try again").WithCause(err)
		e.RetryAfter = upstreamRetryAfter
		return e
	case errors.Is(err, upstream.ErrRequestBody):
		return bodyError(err)
	case errors.Is(err, upstream.ErrTimeout):
		return apierror.New(apierror.UpstreamTimeout, "the backend took too long").WithCause(err)
	}
	return apierror.New(apierror.UpstreamError, "the backend could not be reached or broke its answer off").WithCause(err)
}

// stoppingError ends what shutdown_timeout doesn't leave time for.
func stoppingError() *apierror.Error {
	e := apierror.New(apierror.Overloaded, "the gateway is shutting down")
	e.RetryAfter = overloadedRetryAfter
	return e
}
