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
func (g *Gateway) forward(rs *requestState) error {
	rs.responded = true
	if rs.isWebSocket() {
		return g.forwardWebSocket(rs)
	}
	o, finished := acquireOutboundRequest(rs), false
	defer func() { rs.reusable = o.release(finished) }()
	err := g.forwardHTTP(rs, o)
	finished = true
	return err
}

func (g *Gateway) forwardHTTP(rs *requestState, o *outboundRequest) error {
	g.watchSession(rs, o)
	body, err := g.buildOutboundRequest(&o.ctx, rs, o)
	if err != nil {
		return err
	}
	o.call.Interim, o.call.Canceler = o.funcs.forwardInterim, &o.ctx.canceler
	res, err := g.roundTrip(rs, &o.call)
	o.interim.stop()
	if err != nil {
		return g.forwardError(&o.ctx, err, body)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusSwitchingProtocols {
		// No upgrade was requested: handshakes of WebSockets are in forwardWebSocket.
		return apierror.New(apierror.UpstreamError, "the backend switched protocols without a request to do so")
	}
	o.sessionEnd.responseStarted(res)
	return g.sendResponse(&o.ctx, rs, o, res, body)
}

// roundTrip sends a request to the route's upstream, and records address and time.
func (g *Gateway) roundTrip(rs *requestState, call *upstream.Call) (res *upstream.Response, err error) {
	if s := rs.session(); s != nil && rs.route.HashByOpenID {
		call.HashKey = s.OpenID
	}
	span := g.startUpstreamSpan(rs, call)
	defer func() { rs.endUpstreamSpan(span, call.Request.Method, res, err) }()
	sent := time.Now()
	res, err = rs.route.Upstream.Do(call)
	if err != nil {
		rs.upstreamAddr = call.Request.URL.Host
		return nil, err
	}
	rs.upstreamAddr, rs.upstreamTime = res.Address, time.Since(sent)
	return res, nil
}

// buildOutboundRequest fills o.call, the request for the backend. Its URL has no host:
// the upstream group chooses one.
func (g *Gateway) buildOutboundRequest(ctx context.Context, rs *requestState, o *outboundRequest) (*requestBody, error) {
	r, rt, h := rs.r, rs.route, &o.header
	h.copyFromClient(rs.config.headers, r.Header, rs.trusted)
	if slices.Contains(r.Header["Te"], "trailers") {
		h.Set("Te", "trailers") // required by gRPC
	}
	rs.setForwarded(h)
	if err := g.setIdentity(h, rs); err != nil {
		return nil, err
	}
	if err := g.setCookieHeader(ctx, h, rs); err != nil {
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
	return rs.attachBody(out, o), nil
}
