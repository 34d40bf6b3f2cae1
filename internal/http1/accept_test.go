package http1_test

import (
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"
	"wxgate/internal/http1"
	"wxgate/internal/testkit"
)

func TestMaxConnections(t *testing.T) {
	t.Parallel()
	s := start(t, func(http.ResponseWriter, *http.Request) {}, func(s *http1.Server) { s.MaxConnections = 2 })
	first, second := s.dial().send(get("/")), s.dial().send(get("/"))
	first.mustNext("GET")
	second.mustNext("GET")
	if res := s.dial().send(get("/")).mustNext("GET"); res.StatusCode != 503 || !res.Close || res.Header.Get("X-Refused") != "yes" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	first.Close()
	testkit.Eventually(t, "a slot is free", func() bool {
		res, err := s.dial().send(get("/")).next("GET")
		return err == nil && res.StatusCode == 200
	})
	second.send(get("/")).mustNext("GET")
}

// failing is a listener that runs out of descriptors.
type failing struct {
	net.Listener
	times atomic.Int64
}

func (l *failing) Accept() (net.Conn, error) {
	if l.times.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Err: errTooManyFiles}
	}
	return l.Listener.Accept()
}

func TestServingSurvivesALackOfDescriptors(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	flaky := &failing{Listener: ln}
	flaky.times.Store(4)
	var pauses []time.Duration
	s := &http1.Server{Handler: http.NotFoundHandler(), AcceptError: func(err error, pause time.Duration) { pauses = append(pauses, pause) }}
	done := make(chan error, 1)
	go func() { done <- s.Serve(flaky) }()
	ts := &server{s, t, ln.Addr().String()}
	ts.dial().send(get("/")).mustNext("GET")
	testkit.Must(t, s.Shutdown(within(t, time.Second)))
	if err := <-done; err != http.ErrServerClosed {
		t.Error(err)
	}
	if want := []time.Duration{5e6, 10e6, 20e6, 40e6}; !slices.Equal(pauses, want) {
		t.Errorf("%v, not %v", pauses, want)
	}
	broken := &http1.Server{}
	flaky.Close()
	if err := broken.Serve(flaky); err == nil || err == http.ErrServerClosed {
		t.Errorf("a broken listener: %v", err)
	}
}
