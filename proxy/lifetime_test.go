package proxy_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/zap"

	"wxgate/internal/testkit"
	"wxgate/proxy"
	"wxgate/session"
)

// blockingBackend counts requests, and responds after release is closed.
type blockingBackend struct {
	count   atomic.Int32
	arrived chan struct{}
	release chan struct{}
	respond func(http.ResponseWriter)
}

func newBlockingBackend(respond func(http.ResponseWriter)) *blockingBackend {
	return &blockingBackend{arrived: make(chan struct{}, 8), release: make(chan struct{}), respond: respond}
}

func (b *blockingBackend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	b.count.Add(1)
	b.arrived <- struct{}{}
	<-b.release
	b.respond(w)
}

// After a 401 a client logs in and repeats the request: if the backend had processed it,
// one order would become two.
func TestRequestInFlightCompletesAfterItsSessionHasEnded(t *testing.T) {
	t.Parallel()
	responses := map[string]func(http.ResponseWriter){
		"sized": func(w http.ResponseWriter) { fmt.Fprint(w, "ordered") },
		"chunked": func(w http.ResponseWriter) {
			fmt.Fprint(w, "ord")
			w.(http.Flusher).Flush()
			fmt.Fprint(w, "ered")
		},
	}
	ends := map[string]func(env *testEnv, token string){
		"logout":     func(env *testEnv, token string) { env.call("POST", "/auth/logout", token, "") },
		"logout all": func(env *testEnv, token string) { env.call("POST", "/auth/logout", token, `{"all":true}`) },
		"ban": func(env *testEnv, _ string) {
			_, err := env.sessions.Ban(env.t.Context(), appID, env.user("alice").OpenID, session.Ban{})
			testkit.Must(env.t, err)
		},
	}
	for kind, respond := range responses {
		for how, end := range ends {
			t.Run(kind+", "+how, func(t *testing.T) {
				t.Parallel()
				backend := newBlockingBackend(respond)
				env := newTestEnv(t, envConfig{backend: backend})
				token := env.login("alice")
				got := make(chan responseOrError, 1)
				go func() { got <- env.callAsync("POST", "/api/orders", token, `{"item":1}`) }()
				<-backend.arrived
				end(env, token)
				testkit.Within(t, time.Second, "the session ends", func() bool { return env.call("POST", "/auth/refresh", token, "").Status == 401 })
				close(backend.release)
				if a := <-got; a.err != nil || a.Status != 200 || string(a.Body) != "ordered" {
					t.Errorf("the order got %d %q, %v", a.Status, a.Body, a.err)
				}
				if a := env.call("POST", "/api/orders", token, ""); a.Status != 401 || backend.count.Load() != 1 {
					t.Errorf("the next request: %d, the backend received %d", a.Status, backend.count.Load())
				}
			})
		}
	}
}

type responseOrError struct {
	testkit.Response
	err error
}

// try is call from another goroutine.
func (env *testEnv) callAsync(method, path, token, body string) responseOrError {
	a, err := testkit.Call(client, method, env.base+path, token, body)
	return responseOrError{a, err}
}

func TestRequestOfAnEndedSessionIsLimitedByTheRouteTimeout(t *testing.T) {
	t.Parallel()
	backend := newBlockingBackend(func(http.ResponseWriter) {})
	env := newTestEnv(t, envConfig{
		backend: backend,
		routes:  []*proxy.Route{{Name: "api", Path: "/api/", Auth: proxy.AuthRequired, Timeout: 100 * time.Millisecond}},
	})
	t.Cleanup(func() { close(backend.release) })
	token := env.login("alice")
	got := make(chan responseOrError, 1)
	go func() { got <- env.callAsync("POST", "/api/orders", token, "{}") }()
	<-backend.arrived
	env.call("POST", "/auth/logout", token, "")
	if a := <-got; a.Status != 504 || a.Code() != "upstream_timeout" {
		t.Errorf("%d %s, %v", a.Status, a.Code(), a.err)
	}
	testkit.Within(t, time.Second, "the reason is logged", func() bool { return strings.Contains(env.logs.String(), "session_ended") })
}

func TestSessionEndDuringAHandshakeClosesTheWebSocket(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	env := newTestEnv(t, envConfig{backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-release
		if c, err := websocket.Accept(w, r, nil); err == nil {
			c.Read(context.Background())
			c.CloseNow()
		}
	})})
	token := env.login("alice")
	outcome := make(chan error, 1)
	go func() {
		c, res, err := websocket.Dial(context.Background(), env.base+"/ws", &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + token}}})
		if err != nil {
			if res != nil {
				err = fmt.Errorf("status %d: %w", res.StatusCode, err)
			}
			outcome <- err
			return
		}
		_, _, err = c.Read(context.Background())
		c.CloseNow()
		if err == nil {
			outcome <- fmt.Errorf("the socket is open")
			return
		}
		outcome <- nil
	}()
	<-arrived
	env.call("POST", "/auth/logout", token, "")
	close(release)
	select {
	case err := <-outcome:
		if err != nil && strings.Contains(err.Error(), "401") {
			t.Errorf("a handshake that the backend received got %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("the socket of an ended session stays open")
	}
}

// A load balancer repeats a request whose connection is closed without a byte of response.
func TestIncompleteResponseOfABackendIsNeverAnEmptyOne(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	for name, test := range map[string]struct {
		raw    string
		status int
		whole  bool
	}{
		"nothing of the body":     {head + "Content-Length: 10\r\n\r\n" + closeAfterResponse, 502, true},
		"half of a short body":    {head + "Content-Length: 10\r\n\r\nhello" + closeAfterResponse, 502, true},
		"3 KB of 5":               {head + "Content-Length: 5000\r\n\r\n" + strings.Repeat("x", 3000) + closeAfterResponse, 502, true},
		"4,500 bytes of 5,000":    {head + "Content-Length: 5000\r\n\r\n" + strings.Repeat("x", 4500) + closeAfterResponse, 200, false},
		"40 KB of 50":             {head + "Content-Length: 50000\r\n\r\n" + strings.Repeat("x", 40000) + closeAfterResponse, 200, false},
		"chunked, before a chunk": {head + "Transfer-Encoding: chunked\r\n\r\n" + closeAfterResponse, 200, false},
		"chunked, after one":      {head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n" + closeAfterResponse, 200, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAttackEnv(t)
			s := a.newGateway(t, nil)
			s.backend.respondWith(test.raw)
			c := s.dial()
			c.send(request("POST /api/orders HTTP/1.1", "Host: gw.test", "@A", "Content-Length: 2") + "{}")
			res, err := http.ReadResponse(c.r, &http.Request{Method: "POST"})
			if err != nil {
				t.Fatalf("the connection was closed without a response: %v", err)
			}
			_, err = io.ReadAll(res.Body)
			if res.StatusCode != test.status || (err == nil) != test.whole {
				t.Errorf("%d, %v", res.StatusCode, err)
			}
			if n := len(s.backend.requests()); n != 1 {
				t.Errorf("the backend received %d requests", n)
			}
		})
	}
}

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
