package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"

	"wxgate/fault"
)

// ExplainRefusals makes the answers that net/http gives by itself, to what it
// can't read as a request, look like every other error of the gateway. They
// are plain text otherwise, without the mark of the gateway's own errors. The
// listener must be served by a server of NewServer.
//
// Connections with TLS are left alone: their wrapper must stay the listener's
// own for HTTP/2.
func ExplainRefusals(ln net.Listener) net.Listener { return refusalListener{ln} }

type refusalListener struct{ net.Listener }

func (l refusalListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	tcp, plain := c.(*net.TCPConn)
	if err != nil || !plain {
		return c, err
	}
	return &refusalConn{TCPConn: tcp}, nil
}

// refusalConn knows net/http's own answers by the time they come: no request
// has reached a handler since the last answer. What they look like is no proof,
// a backend's bytes may look the same.
type refusalConn struct {
	*net.TCPConn
	handled atomic.Bool // what is written is a handler's
	frames  atomic.Bool // the connection speaks HTTP/2 by now
}

func (c *refusalConn) Write(p []byte) (int, error) {
	if c.handled.Load() {
		return c.TCPConn.Write(p)
	}
	answer := explained(p)
	if answer == nil {
		return c.TCPConn.Write(p)
	}
	if _, err := c.TCPConn.Write(answer); err != nil {
		return 0, err
	}
	return len(p), nil
}

// connKey is the context's key for a request's *refusalConn.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	if rc, ok := c.(*refusalConn); ok {
		return context.WithValue(ctx, connKey{}, rc)
	}
	return ctx
}

// noteHandled marks a connection for as long as a handler's answer is written.
func noteHandled(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*refusalConn); ok {
			c.handled.Store(true)
			if r.ProtoMajor > 1 {
				c.frames.Store(true)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// noteIdle is an http.Server's ConnState: between requests the connection is
// net/http's again.
func noteIdle(c net.Conn, state http.ConnState) {
	if rc, ok := c.(*refusalConn); ok && state == http.StateIdle && !rc.frames.Load() {
		rc.handled.Store(false)
	}
}

// bareStatuses are the answers that net/http is known to give by itself.
var bareStatuses = map[string]struct {
	code    fault.Code
	message string
}{
	"400": {fault.BadRequest, "this is no HTTP request"},
	"417": {fault.BadRequest, "Expect may only be 100-continue"},
	"431": {fault.HeaderTooLarge, "the request's header is too large"},
	"501": {fault.BadRequest, "only chunked is understood as Transfer-Encoding"},
	"505": {fault.BadRequest, "only HTTP/1 and HTTP/2 are understood"},
}

// explained gives the answer to send in place of p, or nil to send p.
func explained(p []byte) []byte {
	rest, ok := bytes.CutPrefix(p, []byte("HTTP/1.1 "))
	if !ok || len(rest) < 3 {
		return nil
	}
	what, known := bareStatuses[string(rest[:3])]
	if !known {
		return nil
	}
	return refusalAnswer(what.code, what.message)
}

func refusalAnswer(code fault.Code, message string) []byte {
	id := RequestID(nil)
	body, err := json.Marshal(fault.Body{Error: code, Message: message, RequestID: id})
	if err != nil {
		return nil
	}
	status := code.Status()
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/json; charset=utf-8\r\n%s: %s\r\nX-Request-ID: %s\r\n"+
		"Content-Length: %d\r\nConnection: close\r\n\r\n%s", status, http.StatusText(status), fault.Header, code, id, len(body), body)
}
