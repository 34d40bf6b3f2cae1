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

func TestADrainTurnsUnreadyFirstAndFinishesWhatIsInFlight(t *testing.T) {
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
	if a := i.manage("GET", "/readyz", "", ""); a.Status != http.StatusServiceUnavailable || !strings.Contains(string(a.Body), "draining") {
		t.Errorf("readyz once the listener is closed: %v", a)
	}
	if a := i.manage("GET", "/healthz", "", ""); a.Status != http.StatusOK {
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

func TestStreamsAreCutAfterTheShutdownTimeout(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(settings{"shutdown_timeout": "1m"})
	i.reload(settings{"shutdown_timeout": "1s"})
	token := i.login("alice")
	stream, socket := i.openEvents(token), i.openSocket(token)
	start := time.Now()
	i.cancel()
	testkit.Eventually(t, "unready", func() bool { return i.ready() == http.StatusServiceUnavailable })
	stream.flow(t)
	if !socket.echoes() {
		t.Error("the socket was cut before its time")
	}
	testkit.Eventually(t, "the stream and the socket are cut", func() bool { return stream.isClosed() && socket.isClosed() })
	if took := time.Since(start); took < 900*time.Millisecond {
		t.Errorf("they were cut after %v", took)
	}
	i.end()
}

// A 503 would be repeated by clients and load balancers, and the order be
// placed twice.
func TestWhatABackendHasSeenIsNotRefusedAsUnseen(t *testing.T) {
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
		t.Errorf("a request cut off at the backend: %v", a)
	}
	i.end()
}

func TestSocketsAloneAreDrainedToo(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	i := env.serve(settings{"shutdown_timeout": "1m"})
	socket := i.openSocket(i.login("alice"))
	i.cancel()
	testkit.Eventually(t, "unready", func() bool { return i.ready() == http.StatusServiceUnavailable })
	if !socket.echoes() {
		t.Error("the socket was cut")
	}
	socket.conn.Close() // its client leaves; so may the gateway
	i.end()
}

// A load balancer tries the other instance when one refuses the connection,
// breaks it off before an answer, or says 503.
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
				if err := callEither(&instances, n, token); err != nil {
					t.Errorf("lost: %v", err)
					return
				}
				done.Add(1)
				n++
			}
		})
	}
	more := func() {
		from := done.Load()
		testkit.Eventually(t, "further answers", func() bool { return done.Load() > from+100 || t.Failed() })
	}
	for n := range instances {
		more()
		instances[n].Load().end()
		instances[n].Store(env.serve(nil))
	}
	more()
	close(stop)
	clients.Wait()
}

func callEither(instances *[2]atomic.Pointer[instance], first int, token string) error {
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
			return fmt.Errorf("answered %v", a)
		}
	}
	return problem
}
