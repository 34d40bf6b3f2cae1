package proxy

import (
	"context"
	"net/http"
	"slices"
	"time"

	"wxgate/apierror"
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
	err := g.forwardHTTP(rc, o)
	finished = true
	return err
}

func (g *Gateway) forwardHTTP(rc *requestContext, o *outboundRequest) error {
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
	if err := g.setCookieHeader(ctx, h, rc); err != nil {
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
