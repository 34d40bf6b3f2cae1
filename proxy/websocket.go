package proxy

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"wxgate/apierror"
	"wxgate/proxy/upstream"
)

// forwardWebSocket forwards a WebSocket: the handshake goes the request's usual
// way, then bytes go both ways as they are.
//
// The handler returns once the connection is the tunnel's own; the goroutines
// and buffers of an HTTP request are then free, and an idle socket costs two
// small goroutines. The last one to end finishes the request.
//
// A session that ends during the handshake closes the socket once it is open: a
// backend has seen the handshake, so that no 401 may be the answer.
func (g *Gateway) forwardWebSocket(rc *requestContext) error {
	ctx, cancel := context.WithCancelCause(rc.lastingContext())
	stopFollowing := context.AfterFunc(rc.r.Context(), func() { cancel(context.Cause(rc.r.Context())) })
	t := &tunnel{rc: rc}
	stopWatching := func() {}
	if rc.authenticated {
		watch := g.Sessions.Watch(rc.auth, func() { t.terminate(errSessionEnded) })
		stopWatching = func() { watch.Stop() }
	}
	release := func() {
		stopWatching()
		cancel(nil)
	}
	err := g.openTunnel(ctx, t, stopFollowing, release)
	if err != nil || !rc.detached {
		stopFollowing()
		release()
	}
	return err
}

// lastingContext holds nothing of the request's memory, which a tunnel would keep
// for as long as it is open.
func (rc *requestContext) lastingContext() context.Context {
	if rc.span == nil {
		return context.Background()
	}
	return trace.ContextWithSpan(context.Background(), rc.span)
}

// keepForLog lets go of the request but for what is told of it at its end: a socket
// may be open for hours.
func (rc *requestContext) keepForLog() {
	r := rc.r
	rc.r = &http.Request{Method: strings.Clone(r.Method), Host: strings.Clone(r.Host), URL: &url.URL{Path: strings.Clone(r.URL.Path)}}
	if agent := lastValue(r.Header["User-Agent"]); agent != "" {
		rc.r.Header = http.Header{"User-Agent": {strings.Clone(agent)}}
	}
	rc.w, rc.responseHeaders = nil, nil
	// Each would keep the whole head, token and all.
	rc.id, rc.clientText, rc.host = strings.Clone(rc.id), strings.Clone(rc.clientText), ""
	rc.idValue[0] = rc.id
}

// openTunnel does the handshake with the backend and takes the client's
// connection over. A backend's refusal has been answered where it gives nil and
// the request is not detached.
func (g *Gateway) openTunnel(ctx context.Context, t *tunnel, stopFollowing func() bool, release func()) error {
	rc := t.rc
	res, err := g.handshake(ctx, rc, new(forwarding))
	if err != nil || res == nil {
		return err
	}
	backend, isPipe := res.Body.(io.ReadWriteCloser)
	if !isPipe {
		res.Body.Close()
		return apierror.New(apierror.UpstreamError, "the backend's connection can't be taken over")
	}
	stopFollowing() // the request's context ends with the handler
	client, buffered, err := rc.hijack()
	if err != nil {
		backend.Close()
		return apierror.New(apierror.Internal, "the client's connection can't be taken over").WithCause(err)
	}
	rc.detached, rc.status = true, http.StatusSwitchingProtocols
	t.done = func() {
		g.Metrics.sockets.Dec()
		g.sockets.remove(t)
		release()
		g.finish(rc)
	}
	// Before the client hears of it: a drain must not overlook it.
	g.sockets.add(t)
	g.Metrics.sockets.Inc()
	err = writeSwitching(client, rc, res)
	rc.keepForLog()
	if open := t.open(client, backend); err != nil || !open {
		t.abandon()
		return nil
	}
	t.start(buffered)
	return nil
}

// handshake asks the backend. What is not a well-formed 101 goes to the client
// as an ordinary answer; the response is nil then.
func (g *Gateway) handshake(ctx context.Context, rc *requestContext, f *forwarding) (*upstream.Response, error) {
	if _, err := g.outbound(ctx, rc, f); err != nil {
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
	g.keepCookies(ctx, rc, res)
	return res, nil
}

func (rc *requestContext) hijack() (net.Conn, []byte, error) {
	conn, rw, err := http.NewResponseController(rc.w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	// Bytes that the client sent ahead go into the tunnel, behind the 101.
	early, err := rw.Reader.Peek(rw.Reader.Buffered())
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	return conn, slices.Clone(early), nil
}

// writeSwitching sends the 101 with the backend's handshake headers.
func writeSwitching(client net.Conn, rc *requestContext, res *upstream.Response) error {
	h := http.Header{}
	copyResponseHeader(h, &res.Header, rc.state.headers, nil)
	h["Connection"] = []string{"Upgrade"}
	h["Upgrade"] = []string{"websocket"}
	rc.rewriteCookiePaths(h)
	rc.responseHeaders = rc.route.changeResponse(rc.responseHeaders)
	rc.addGatewayHeaders(h)
	spellWebSocketHeaders(h)
	_ = client.SetWriteDeadline(time.Now().Add(tunnelStall))
	w := bufio.NewWriterSize(client, 1024)
	_, _ = w.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	_ = h.Write(w)
	_, _ = w.WriteString("\r\n")
	return w.Flush()
}

// webSocketNames are the headers of a handshake by their canonical form in Go,
// as RFC 6455 spells them: there are servers and clients that compare names
// byte by byte.
var webSocketNames = [...][2]string{
	{"Sec-Websocket-Key", "Sec-WebSocket-Key"},
	{"Sec-Websocket-Version", "Sec-WebSocket-Version"},
	{"Sec-Websocket-Protocol", "Sec-WebSocket-Protocol"},
	{"Sec-Websocket-Extensions", "Sec-WebSocket-Extensions"},
	{"Sec-Websocket-Accept", "Sec-WebSocket-Accept"},
}

// webSocketName spells a name as RFC 6455 does, where it is one of its names.
func webSocketName(name string) string {
	for _, each := range webSocketNames {
		if name == each[0] {
			return each[1]
		}
	}
	return name
}

func spellWebSocketHeaders(h http.Header) {
	for _, name := range webSocketNames {
		if values, there := h[name[0]]; there {
			delete(h, name[0])
			h[name[1]] = values
		}
	}
}
