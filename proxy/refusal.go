package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"wxgate/apierror"
	"wxgate/internal/httprule"
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

	mu   sync.Mutex           // guards what is known of the request that is being read
	line [maxRefusedLine]byte // its beginning
	read int                  // bytes of it in line
	late bool                 // it did not come in time
	told bool                 // it was refused
	then bool                 // there was one before it, whose last packet may hold its beginning
}

// maxRefusedLine is how much of a request line is looked at to say what is
// wrong with it.
const maxRefusedLine = 512

func (c *refusalConn) Read(p []byte) (int, error) {
	if c.hopeless() {
		return 0, io.EOF
	}
	n, err := c.TCPConn.Read(p)
	if !c.handled.Load() {
		c.mu.Lock()
		c.read += copy(c.line[c.read:], p[:n])
		c.late = errors.Is(err, os.ErrDeadlineExceeded)
		c.mu.Unlock()
	}
	return n, err
}

// hopeless tells of a first line that is shorter than any request's. net/http
// would wait for more, to know whether it is HTTP/2's preface.
func (c *refusalConn) hopeless() bool {
	if c.handled.Load() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.then && c.read > 0 && c.read < len("GET / HTTP/1.0") && bytes.IndexByte(c.line[:c.read], '\n') > 0
}

func (c *refusalConn) Write(p []byte) (int, error) {
	if c.handled.Load() {
		return c.TCPConn.Write(p)
	}
	c.mu.Lock()
	answer := c.explained(p)
	c.told = answer != nil
	c.mu.Unlock()
	if answer == nil {
		return c.TCPConn.Write(p)
	}
	if _, err := c.TCPConn.Write(answer); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close says why, where net/http hangs up without a word: a request was begun
// and did not come in time.
func (c *refusalConn) Close() error {
	c.mu.Lock()
	begun := c.read > 0 && !bytes.HasPrefix(c.line[:c.read], []byte("PRI ")) // HTTP/2 has no words for it
	unsaid := c.late && begun && !c.told && !c.handled.Load()
	c.mu.Unlock()
	if unsaid {
		_ = c.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = c.TCPConn.Write(refusalAnswer(apierror.Timeout, "the request's header came too slowly"))
	}
	return c.TCPConn.Close()
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
		rc.mu.Lock()
		rc.read, rc.late, rc.then = 0, false, true
		rc.mu.Unlock()
		rc.handled.Store(false)
	}
}

// bareStatuses are the answers that net/http is known to give by itself.
var bareStatuses = map[string]struct {
	code    apierror.Code
	message string
}{
	"400": {apierror.BadRequest, "this is no HTTP request"},
	"417": {apierror.BadRequest, "Expect may only be 100-continue"},
	"431": {apierror.HeaderTooLarge, "the request's header is too large"},
	"501": {apierror.BadRequest, "only chunked is understood as Transfer-Encoding"},
	"505": {apierror.BadRequest, "only HTTP/1 and HTTP/2 are understood"},
}

// explained gives the answer to send in place of p, or nil to send p.
func (c *refusalConn) explained(p []byte) []byte {
	rest, ok := bytes.CutPrefix(p, []byte("HTTP/1.1 "))
	if !ok || len(rest) < 3 {
		return nil
	}
	what, known := bareStatuses[string(rest[:3])]
	switch {
	case !known:
		return nil
	case what.code == apierror.BadRequest && brokenTarget(c.line[:c.read]):
		return refusalAnswer(apierror.BadPath, "the path holds a broken escape")
	}
	return refusalAnswer(what.code, what.message)
}

// brokenTarget reports whether the target of a request line holds a % without
// two hex digits, which is why net/http could not read it.
func brokenTarget(line []byte) bool {
	line, _, _ = bytes.Cut(line, []byte("\r\n"))
	fields := bytes.Split(line, []byte(" "))
	if len(fields) != 3 {
		return false
	}
	path, _, _ := bytes.Cut(fields[1], []byte("?"))
	for at := bytes.IndexByte(path, '%'); at >= 0; at = bytes.IndexByte(path, '%') {
		if len(path) < at+3 || !isHex(path[at+1]) || !isHex(path[at+2]) {
			return true
		}
		path = path[at+3:]
	}
	return false
}

func refusalAnswer(code apierror.Code, message string) []byte {
	id := httprule.RequestID(nil)
	body, err := json.Marshal(apierror.Body{Error: code, Message: message, RequestID: id})
	if err != nil {
		return nil
	}
	status := code.Status()
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/json; charset=utf-8\r\n%s: %s\r\nX-Request-ID: %s\r\n"+
		"Content-Length: %d\r\nConnection: close\r\n\r\n%s", status, http.StatusText(status), apierror.Header, code, id, len(body), body)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
