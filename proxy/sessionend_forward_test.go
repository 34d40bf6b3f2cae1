package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"wxgate/internal/testkit"
	"wxgate/proxy"
	"wxgate/session"
)

func TestSessionEndClosesItsWebSocketsAndStreams(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{backend: http.HandlerFunc(neverEnding)})
	token := env.login("alice")
	socket := env.dial(t, "/ws", token)
	stream := env.open(t, "/sse", token)
	other := env.dial(t, "/ws", env.login("bob"))
	if res := env.call("POST", "/auth/logout", token, ""); res.Status != 204 {
		t.Fatalf("logout: %d", res.Status)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, _, err := socket.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("the socket stays open: %v", err)
	}
	if _, err := io.ReadAll(stream.Body); err == nil {
		t.Error("the stream ended like a complete response")
	}
	short, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if _, _, err := other.Read(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("bob's socket: %v", err)
	}
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
				if res := <-got; res.err != nil || res.Status != 200 || string(res.Body) != "ordered" {
					t.Errorf("the order got %d %q, %v", res.Status, res.Body, res.err)
				}
				if res := env.call("POST", "/api/orders", token, ""); res.Status != 401 || backend.count.Load() != 1 {
					t.Errorf("the next request: %d, the backend received %d", res.Status, backend.count.Load())
				}
			})
		}
	}
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

// neverEnding is a backend whose WebSockets and streams end only with their client.
func neverEnding(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "" {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: hello\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return
	}
	c, err := websocket.Accept(w, r, nil)
	if err == nil {
		c.Read(context.Background())
		c.CloseNow()
	}
}

// open starts a stream and reads its first line.
func (env *testEnv) open(t *testing.T, path, token string) *http.Response {
	t.Helper()
	req, err := http.NewRequest("GET", env.base+path, nil)
	testkit.Must(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultTransport.RoundTrip(req)
	testkit.Must(t, err)
	t.Cleanup(func() { res.Body.Close() })
	if _, err := io.ReadFull(res.Body, make([]byte, len("data: hello\n\n"))); err != nil {
		t.Fatal(err)
	}
	return res
}

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

type responseOrError struct {
	testkit.Response
	err error
}

// callAsync is call for goroutines other than the test's: it returns the error.
func (env *testEnv) callAsync(method, path, token, body string) responseOrError {
	a, err := testkit.Call(client, method, env.base+path, token, body)
	return responseOrError{a, err}
}
