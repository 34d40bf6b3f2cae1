package http1_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
	"wxgate/internal/http1"
	"wxgate/internal/testkit"
)

func TestShutdown(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}, 10), make(chan struct{})
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			entered <- struct{}{}
			<-release
		}
		io.WriteString(w, "done")
	}, func(s *http1.Server) { s.DrainPause = 100 * time.Millisecond })
	slow, idle, fresh, speaks := s.dial().send(get("/slow")), s.dial().send(get("/")), s.dial(), s.dial().send(get("/"))
	<-entered
	idle.mustNext("GET")
	speaks.mustNext("GET")
	over := make(chan error, 1)
	go func() { over <- s.Shutdown(within(t, 10*time.Second)) }()
	testkit.Eventually(t, "no connection is taken", func() bool {
		c, err := net.Dial("tcp", s.addr)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	for what, cl := range map[string]*client{"idle": speaks, "fresh": fresh} {
		if a := cl.send(get("/")).mustNext("GET"); a.body != "done" || !a.Close || !cl.ended() {
			t.Errorf("a request on a connection that was %s: %q, close %t", what, a.body, a.Close)
		}
	}
	if !idle.ended() {
		t.Error("an idle connection stayed open")
	}
	select {
	case err := <-over:
		t.Fatalf("it did not wait for the slow request: %v", err)
	default:
	}
	close(release)
	if a := slow.mustNext("GET"); a.body != "done" || !a.Close {
		t.Errorf("the slow one: %q, close %t", a.body, a.Close)
	}
	if err := <-over; err != nil {
		t.Error(err)
	}
}

func TestShutdownRespondsToRequestsThatItInterrupts(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{}, 10)
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		if r.URL.Path == "/deaf" {
			<-t.Context().Done()
		}
		<-r.Context().Done()
		if err := r.Context().Err(); err != http1.ErrShutdown || !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		w.WriteHeader(503)
	}, nil)
	cl, deaf := s.dial().send(get("/")), s.dial().send(get("/deaf"))
	<-entered
	<-entered
	if err := s.Shutdown(within(t, 50*time.Millisecond)); err != context.DeadlineExceeded {
		t.Error(err)
	}
	if a := cl.mustNext("GET"); a.StatusCode != 503 {
		t.Error(a.StatusCode)
	}
	if !deaf.ended() {
		t.Error("a handler that does not listen kept its connection")
	}
}

func TestDisableKeepAlives(t *testing.T) {
	t.Parallel()
	s := start(t, func(http.ResponseWriter, *http.Request) {}, nil)
	old := s.dial().send(get("/"))
	old.mustNext("GET")
	s.DisableKeepAlives()
	for _, cl := range []*client{old, s.dial()} {
		if a := cl.send(get("/")).mustNext("GET"); !a.Close || !cl.ended() {
			t.Error("the connection lives on")
		}
	}
}
