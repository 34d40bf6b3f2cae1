package proxy_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/zap"

	"wxgate/internal/testkit"
	"wxgate/proxy"
)

func TestShutdownSendsACloseFrameOnWebSockets(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{backend: http.HandlerFunc(neverEnding)})
	token := env.login("alice")
	sockets := []*websocket.Conn{env.dial(t, "/ws", token), env.dial(t, "/ws", token)}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	drained := make(chan struct{})
	go func() { env.gateway.Drain(over); close(drained) }()
	for _, socket := range sockets {
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
		defer stop()
		if _, _, err := socket.Read(ctx); websocket.CloseStatus(err) != websocket.StatusGoingAway {
			t.Errorf("the socket ended with %v", err)
		}
	}
	select {
	case <-drained:
	case <-time.After(5 * time.Second):
		t.Fatal("the drain doesn't end")
	}
	testkit.Within(t, time.Second, "the reason is logged", func() bool { return strings.Count(env.logs.String(), `"error":"overloaded"`) == 2 })
}

// A client that does not reply to the close frame, or that is receiving another frame,
// does not delay the drain.
func TestDrainDoesNotWaitForUnresponsiveClients(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	s := a.newGateway(t, nil)
	s.backend.respondWith("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n\x82\x7e\x10\x00half")
	c := s.dial()
	c.send(ws())
	if _, err := http.ReadResponse(c.r, nil); err != nil {
		t.Fatal(err)
	}
	_, err := c.r.Peek(8)
	testkit.Must(t, err)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	drained := make(chan struct{})
	go func() { s.gateway.Drain(over); close(drained) }()
	select {
	case <-drained:
	case <-time.After(5 * time.Second):
		t.Fatal("the drain doesn't end")
	}
	rest, _ := io.ReadAll(c.r)
	if strings.Contains(string(rest), "\x88\x02") {
		t.Errorf("a close frame inside another frame: %q", rest)
	}
}

func TestRequestsAbortedByShutdownAreLoggedAsSuch(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	over := make(chan struct{})
	env := newTestEnv(t, envConfig{backend: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/sse" {
			neverEnding(rw, r)
			return
		}
		close(arrived)
		<-over
	})})
	t.Cleanup(func() { close(over) }) // before the backend is closed, which waits for its handlers
	token := env.login("alice")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	server := proxy.NewServer(env.gateway, proxy.ServerConfig{MaxHeader: 32 << 10, ReadHeaderTimeout: 5 * time.Second, Log: zap.NewNop()})
	go server.Serve(ln)
	env.base = "http://" + ln.Addr().String()
	stream := env.open(t, "/sse", token)
	got := make(chan responseOrError, 1)
	go func() { got <- env.callAsync("POST", "/api/orders", token, "{}") }()
	<-arrived
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = server.Shutdown(ctx)
	if a := <-got; a.err != nil || a.Status != 502 || a.Code() != "upstream_error" {
		t.Errorf("a request that the shutdown aborted: %d %s, %v", a.Status, a.Code(), a.err)
	}
	if _, err := io.ReadAll(stream.Body); err == nil {
		t.Error("the stream ended as if it were whole")
	}
	testkit.Within(t, time.Second, "both are logged", func() bool { return strings.Count(env.logs.String(), "aborted by the gateway's shutdown") == 2 })
	if strings.Contains(env.logs.String(), "client_closed") {
		t.Error("a request is logged as closed by the client")
	}
}
