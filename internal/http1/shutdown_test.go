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
		if res := cl.send(get("/")).mustNext("GET"); res.body != "done" || !res.Close || !cl.ended() {
			t.Errorf("a request on a connection that was %s: %q, close %t", what, res.body, res.Close)
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
	if res := slow.mustNext("GET"); res.body != "done" || !res.Close {
		t.Errorf("the slow one: %q, close %t", res.body, res.Close)
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
	if res := cl.mustNext("GET"); res.StatusCode != 503 {
		t.Error(res.StatusCode)
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
		if res := cl.send(get("/")).mustNext("GET"); !res.Close || !cl.ended() {
			t.Error("the connection lives on")
		}
	}
}
