package main

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/internal/testkit"
)

func TestADrainIsNotReadyFirstAndCompletesRequestsInFlight(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(nil)
	token := i.login("alice")
	slow := make(chan testkit.Response, 1)
	go func() { slow <- i.call("POST", "/api/slow", token, "an order") }()
	<-env.backend.arrived

	i.cancel() // as SIGTERM and SIGINT do
	testkit.Eventually(t, "connections are refused", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(i.public, "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	if a := i.callAdmin("GET", "/readyz", "", ""); a.Status != http.StatusServiceUnavailable || !strings.Contains(string(a.Body), "draining") {
		t.Errorf("readyz once the listener is closed: %v", a)
	}
	if a := i.callAdmin("GET", "/healthz", "", ""); a.Status != http.StatusOK {
		t.Errorf("healthz: %v", a)
	}
	close(env.backend.release)
	if a := <-slow; a.Status != http.StatusOK || string(a.Body) != "done" {
		t.Errorf("the request in flight: %v", a)
	}
	i.end() // and checks the status
	if i.ready() != 0 || len(i.logged("stopped")) != 1 {
		t.Errorf("after the end: readyz %d", i.ready())
	}
}

func TestStreamsAreClosedAfterTheShutdownTimeout(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(settings{"shutdown_timeout": "1m"})
	i.reload(settings{"shutdown_timeout": "1s"})
	token := i.login("alice")
	stream, socket := i.openEvents(token), i.openSocket(token)
	start := time.Now()
	i.cancel()
	testkit.Eventually(t, "unready", func() bool { return i.ready() == http.StatusServiceUnavailable })
	stream.awaitMore(t)
	if !socket.echoes() {
		t.Error("the socket was closed too early")
	}
	testkit.Eventually(t, "the stream and the socket are closed", func() bool { return stream.isClosed() && socket.isClosed() })
	if took := time.Since(start); took < 900*time.Millisecond {
		t.Errorf("they were closed after %v", took)
	}
	i.end()
}

// Clients and load balancers repeat a request that got a 503: the order would be
// placed twice.
func TestARequestThatReachedTheBackendGetsNo503AtShutdown(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(settings{"shutdown_timeout": "1s"})
	token := i.login("alice")
	slow := make(chan testkit.Response, 1)
	go func() { slow <- i.call("POST", "/api/slow", token, "an order") }()
	<-env.backend.arrived

	i.cancel()
	a := <-slow
	close(env.backend.release)
	if a.Status != http.StatusBadGateway || !strings.Contains(string(a.Body), "upstream_error") {
		t.Errorf("a request aborted at the backend: %v", a)
	}
	i.end()
}

func TestWebSocketsAreDrainedWithoutOtherRequests(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(settings{"shutdown_timeout": "1m"})
	socket := i.openSocket(i.login("alice"))
	i.cancel()
	testkit.Eventually(t, "unready", func() bool { return i.ready() == http.StatusServiceUnavailable })
	if !socket.echoes() {
		t.Error("the socket was closed")
	}
	socket.conn.Close() // the drain ends with the last connection
	i.end()
}

// The clients behave like a load balancer: they try the other instance if one refuses
// the connection, closes it before a response, or responds with 503.
func TestARollingRestartLosesNoRequest(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	var instances [2]atomic.Pointer[instance]
	instances[0].Store(env.serve(nil))
	instances[1].Store(env.serve(nil))
	token := instances[0].Load().login("alice")

	stop := make(chan struct{})
	var clients sync.WaitGroup
	var done atomic.Int64
	for n := range 8 {
		clients.Go(func() {
			for !isClosed(stop) {
				if err := callEitherInstance(&instances, n, token); err != nil {
					t.Errorf("lost: %v", err)
					return
				}
				done.Add(1)
				n++
			}
		})
	}
	awaitMoreResponses := func() {
		from := done.Load()
		testkit.Eventually(t, "further responses", func() bool { return done.Load() > from+100 || t.Failed() })
	}
	for n := range instances {
		awaitMoreResponses()
		instances[n].Load().end()
		instances[n].Store(env.serve(nil))
	}
	awaitMoreResponses()
	close(stop)
	clients.Wait()
}

func callEitherInstance(instances *[2]atomic.Pointer[instance], first int, token string) error {
	var problem error
	for try := range 4 {
		i := instances[(first+try)%2].Load()
		method := []string{"GET", "POST"}[first/2%2]
		a, err := i.try(method, i.public+"/api/x", token, "")
		switch {
		case err != nil:
			problem = err
		case a.Status == http.StatusOK:
			return nil
		case a.Status != http.StatusServiceUnavailable:
			return fmt.Errorf("got %v", a)
		}
	}
	return problem
}
