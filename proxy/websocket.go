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
// The handler returns as soon as the tunnel has the connection, which frees the goroutines
// and buffers of the HTTP request: an idle WebSocket needs two small goroutines. The one
// that ends last records the request.
func (g *Gateway) forwardWebSocket(rs *requestState) error {
	ctx, cancel := context.WithCancelCause(rs.handshakeContext())
	defer cancel(nil)
	stopPropagation := context.AfterFunc(rs.r.Context(), func() { cancel(context.Cause(rs.r.Context())) })
	defer stopPropagation()
	t := &tunnel{gateway: g}
	t.stopWatch = g.terminateOnSessionEnd(rs, t)
	err := g.openTunnel(ctx, rs, t)
	if !rs.hijacked {
		t.stopWatch()
	}
	return err
}

// handshakeContext is the context of the handshake with the backend. It refers to no memory
// of the request: the tunnel would retain that for as long as it is open.
func (rs *requestState) handshakeContext() context.Context {
	if rs.span == nil {
		return context.Background()
	}
	return trace.ContextWithSpan(context.Background(), rs.span)
}

// openTunnel does the handshake with the backend, hijacks the client's connection and
// starts the tunnel. If the backend refused the handshake, its response was sent:
// openTunnel returns nil, and rs is not hijacked.
func (g *Gateway) openTunnel(ctx context.Context, rs *requestState, t *tunnel) error {
	res, err := g.handshake(ctx, rs, new(outboundRequest))
	if err != nil || res == nil {
		return err
	}
	backend, ok := res.Body.(io.ReadWriteCloser)
	if !ok {
		res.Body.Close()
		return apierror.New(apierror.UpstreamError, "the backend's connection can't be written to")
	}
	client, buffered, err := rs.hijack()
	if err != nil {
		backend.Close()
		return apierror.New(apierror.Internal, "the client's connection can't be hijacked").WithCause(err)
	}
	rs.hijacked, rs.status = true, http.StatusSwitchingProtocols
	// Before the 101 is sent: a drain must not miss a tunnel that a client has seen.
	g.tunnels.add(t)
	g.Metrics.openWebSockets.Inc()
	err = writeSwitching(client, rs, res)
	if attached := t.attach(rs.completeRecord().clone(), client, backend); err != nil || !attached {
		t.closeUnstarted()
		return nil
	}
	t.start(buffered)
	return nil
}

// handshake sends the handshake to the backend. A response that is no well-formed 101
// is sent to the client as an ordinary response, and handshake returns nil.
func (g *Gateway) handshake(ctx context.Context, rs *requestState, o *outboundRequest) (*upstream.Response, error) {
	if _, err := g.buildOutboundRequest(ctx, rs, o); err != nil {
		return nil, err
	}
	call := &o.call
	call.Header.Set("Connection", "Upgrade")
	call.Header.Set("Upgrade", "websocket")
	for i := range call.Header {
		call.Header[i].Name = webSocketName(call.Header[i].Name)
	}
	res, err := g.roundTrip(rs, call)
	if err != nil {
		return nil, g.forwardError(ctx, err, nil)
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		defer res.Body.Close()
		return nil, g.sendResponse(ctx, rs, o, res, nil)
	}
	if !strings.EqualFold(res.Header.Get("Upgrade"), "websocket") {
		res.Body.Close()
		return nil, apierror.New(apierror.UpstreamError, "the backend switched to another protocol")
	}
	g.storeCookies(ctx, rs, res)
	return res, nil
}

// hijack takes over the client's connection from the HTTP server. It also returns the bytes
// that the client sent before it received the response.
func (rs *requestState) hijack() (net.Conn, []byte, error) {
	conn, rw, err := http.NewResponseController(rs.w).Hijack()
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
func writeSwitching(client net.Conn, rs *requestState, res *upstream.Response) error {
	h := http.Header{}
	copyResponseHeader(h, &res.Header, rs.config.headers, nil)
	h["Connection"] = []string{"Upgrade"}
	h["Upgrade"] = []string{"websocket"}
	rs.rewriteCookiePaths(h)
	rs.responseHeaders = rs.route.withResponseRules(rs.responseHeaders)
	rs.addGatewayHeaders(h)
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

// webSocketName returns the spelling of RFC 6455, or name if it is none of those.
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
