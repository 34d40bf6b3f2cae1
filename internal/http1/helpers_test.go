package http1_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"wxgate/internal/http1"
	"wxgate/internal/testkit"
)

// server is a Server that serves a listener on loopback.
type server struct {
	*http1.Server
	t    testing.TB
	addr string
}

// start serves a handler; change may be nil.
func start(t testing.TB, h http.HandlerFunc, change func(*http1.Server)) *server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	s := &server{&http1.Server{Handler: h, Refuse: refuseJSON}, t, ln.Addr().String()}
	if change != nil {
		change(s.Server)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; err != http.ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
	})
	return s
}

// refuseJSON makes JSON responses.
func refuseJSON(r http1.Refusal) http1.RefusalResponse {
	return http1.RefusalResponse{
		Header: []http1.Field{{Name: "Content-Type", Value: "application/json"}, {Name: "X-Refused", Value: "yes"}},
		Body:   fmt.Appendf(nil, `{"message":%q}`, r.Message()),
	}
}

// client is a raw connection.
type client struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func (s *server) dial() *client {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	testkit.Must(s.t, err)
	s.t.Cleanup(func() { conn.Close() })
	testkit.Must(s.t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	return &client{conn, s.t, bufio.NewReader(conn)}
}

func (c *client) send(raw string) *client {
	c.t.Helper()
	_, err := io.WriteString(c, raw)
	testkit.Must(c.t, err)
	return c
}

// receivedResponse is a response that was read to its end.
type receivedResponse struct {
	*http.Response
	body string
}

func (c *client) next(method string) (receivedResponse, error) {
	res, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		return receivedResponse{}, err
	}
	body, err := io.ReadAll(res.Body)
	return receivedResponse{res, string(body)}, err
}

func (c *client) mustNext(method string) receivedResponse {
	c.t.Helper()
	res, err := c.next(method)
	if err != nil {
		c.t.Fatalf("no response: %v", err)
	}
	return res
}

// rest returns everything that is received until the connection ends.
func (c *client) rest() string {
	c.t.Helper()
	all, err := io.ReadAll(c.r)
	if err != nil {
		c.t.Errorf("the connection did not end cleanly: %v", err)
	}
	return string(all)
}

// ended reports whether the server has closed its side.
func (c *client) ended() bool {
	_, err := c.r.ReadByte()
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

func get(path string, lines ...string) string {
	return head(append([]string{"GET " + path + " HTTP/1.1", "Host: a.test"}, lines...)...)
}

func post(body string, lines ...string) string {
	return head(append([]string{"POST /p HTTP/1.1", "Host: a.test"}, lines...)...) + body
}

func head(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n\r\n" }

// receivedRequest is what a handler saw of a request.
type receivedRequest struct {
	Method, Target, Proto, Host, Path, RawPath, Query string
	Header, Trailer                                   http.Header
	Body                                              string
	Length                                            int64
	Close                                             bool
	Err                                               bool
}

func received(r *http.Request) receivedRequest {
	body, err := io.ReadAll(r.Body)
	return receivedRequest{
		Method: r.Method, Target: r.RequestURI, Proto: r.Proto, Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, Query: r.URL.RawQuery,
		Header: r.Header.Clone(), Trailer: r.Trailer.Clone(), Body: string(body), Length: r.ContentLength, Close: r.Close, Err: err != nil,
	}
}

// memConn is a connection whose client has sent everything and reads all.
type memConn struct {
	in     *strings.Reader
	mu     sync.Mutex
	out    bytes.Buffer
	closed chan struct{}
	once   sync.Once
}

func newMemConn(raw string) *memConn {
	return &memConn{in: strings.NewReader(raw), closed: make(chan struct{})}
}

func (c *memConn) Read(p []byte) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
		return c.in.Read(p)
	}
}

func (c *memConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(p)
}

func (c *memConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

func (c *memConn) CloseWrite() error                { return nil }
func (c *memConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *memConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *memConn) SetDeadline(time.Time) error      { return nil }
func (c *memConn) SetReadDeadline(time.Time) error  { return nil }
func (c *memConn) SetWriteDeadline(time.Time) error { return nil }

// oneConn is a listener that has a single connection to give.
type oneConn struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newOneConn(c net.Conn) *oneConn {
	l := &oneConn{conns: make(chan net.Conn, 1), done: make(chan struct{})}
	l.conns <- c
	return l
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *oneConn) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
