package proxy

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"wxgate/apierror"
	"wxgate/proxy/upstream"
)

// forwardWebSocket forwards the handshake as an ordinary request, and then the bytes of
// both directions unchanged.
//
// The handler returns as soon as the tunnel has the connection. The goroutines and
// buffers of an HTTP request are then free, and an idle WebSocket costs two small
// goroutines. The second of them to end finishes the request.
func (g *Gateway) forwardWebSocket(rc *requestContext) error {
	ctx, cancel := context.WithCancelCause(rc.detachedContext())
	defer cancel(nil)
	stopPropagation := context.AfterFunc(rc.r.Context(), func() { cancel(context.Cause(rc.r.Context())) })
	defer stopPropagation()
	t := &tunnel{gateway: g}
	t.stopWatch = g.terminateOnSessionEnd(rc, t)
	err := g.openTunnel(ctx, rc, t)
	if !rc.detached {
		t.stopWatch()
	}
	return err
}

// detachedContext is a context that refers to no memory of the request: a tunnel would
// keep that for as long as it is open.
func (rc *requestContext) detachedContext() context.Context {
	if rc.span == nil {
		return context.Background()
	}
	return trace.ContextWithSpan(context.Background(), rc.span)
}

// openTunnel does the handshake with the backend, hijacks the client's connection and
// starts the tunnel. Where the backend refused the handshake, its response was sent:
// openTunnel returns nil, and rc is not detached.
func (g *Gateway) openTunnel(ctx context.Context, rc *requestContext, t *tunnel) error {
	res, err := g.handshake(ctx, rc, new(outboundRequest))
	if err != nil || res == nil {
		return err
	}
	backend, ok := res.Body.(io.ReadWriteCloser)
	if !ok {
		res.Body.Close()
		return apierror.New(apierror.UpstreamError, "the backend's connection can't be written to")
	}
	client, buffered, err := rc.hijack()
	if err != nil {
		backend.Close()
		return apierror.New(apierror.Internal, "the client's connection can't be hijacked").WithCause(err)
	}
	rc.detached, rc.status = true, http.StatusSwitchingProtocols
	// Before the 101 is sent: a drain must not miss a tunnel that a client has seen.
	g.tunnels.add(t)
	g.Metrics.openWebSockets.Inc()
	err = writeSwitching(client, rc, res)
	if attached := t.attach(rc.complete().detach(), client, backend); err != nil || !attached {
		t.abandon()
		return nil
	}
	t.start(buffered)
	return nil
}

// handshake sends the handshake to the backend. A response that is no well-formed 101
// is sent to the client as an ordinary response, and handshake returns nil.
func (g *Gateway) handshake(ctx context.Context, rc *requestContext, f *outboundRequest) (*upstream.Response, error) {
	if _, err := g.buildOutboundRequest(ctx, rc, f); err != nil {
		return nil, err
	}
	out := &f.call
	out.Header.Set("Connection", "Upgrade")
	out.Header.Set("Upgrade", "websocket")
	for i := range out.Header {
		out.Header[i].Name = webSocketName(out.Header[i].Name)
	}
	res, err := g.roundTrip(rc, out)
	if err != nil {
		return nil, g.forwardError(ctx, err, nil)
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		defer res.Body.Close()
		return nil, g.sendResponse(ctx, rc, f, res, nil)
	}
	if !strings.EqualFold(res.Header.Get("Upgrade"), "websocket") {
		res.Body.Close()
		return nil, apierror.New(apierror.UpstreamError, "the backend switched to another protocol")
	}
	g.storeCookies(ctx, rc, res)
	return res, nil
}

// hijack takes the client's connection over from the HTTP server. The bytes are what
// the client sent ahead of the response.
func (rc *requestContext) hijack() (net.Conn, []byte, error) {
	conn, rw, err := http.NewResponseController(rc.w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	buffered, err := rw.Reader.Peek(rw.Reader.Buffered())
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	return conn, slices.Clone(buffered), nil
}

// writeSwitching sends the 101 with the backend's handshake headers.
func writeSwitching(client net.Conn, rc *requestContext, res *upstream.Response) error {
	h := http.Header{}
	copyResponseHeader(h, &res.Header, rc.config.headers, nil)
	h["Connection"] = []string{"Upgrade"}
	h["Upgrade"] = []string{"websocket"}
	rc.rewriteCookiePaths(h)
	rc.responseHeaders = rc.route.withResponseRules(rc.responseHeaders)
	rc.addGatewayHeaders(h)
	spellWebSocketHeaders(h)
	_ = client.SetWriteDeadline(time.Now().Add(tunnelWriteTimeout))
	w := bufio.NewWriterSize(client, 1024)
	_, _ = w.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = h.Write(w)
	_, _ = w.WriteString("\r\n")
	return w.Flush()
}

// webSocketNames maps the headers of a handshake from Go's canonical form to the
// spelling of RFC 6455: some servers and clients compare names byte by byte.
var webSocketNames = [...][2]string{
	{"Sec-Websocket-Key", "Sec-WebSocket-Key"},
	{"Sec-Websocket-Version", "Sec-WebSocket-Version"},
	{"Sec-Websocket-Protocol", "Sec-WebSocket-Protocol"},
	{"Sec-Websocket-Extensions", "Sec-WebSocket-Extensions"},
	{"Sec-Websocket-Accept", "Sec-WebSocket-Accept"},
}

// webSocketName returns the spelling of RFC 6455, or name where it is none of those.
func webSocketName(name string) string {
	for _, spelling := range webSocketNames {
		if name == spelling[0] {
			return spelling[1]
		}
	}
	return name
}

// spellWebSocketHeaders renames the headers of a handshake to the spelling of RFC 6455.
func spellWebSocketHeaders(h http.Header) {
	for _, spelling := range webSocketNames {
		if values, ok := h[spelling[0]]; ok {
			delete(h, spelling[0])
			h[spelling[1]] = values
		}
	}
}
