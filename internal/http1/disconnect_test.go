package http1_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"wxgate/internal/http1"
	"wxgate/internal/testkit"
)

func TestAClientDisconnectEndsTheContext(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*client){
		"closes":      func(c *client) { c.Close() },
		"half-closes": func(c *client) { testkit.Must(t, c.Conn.(*net.TCPConn).CloseWrite()) },
		"resets":      func(c *client) { testkit.Must(t, c.Conn.(*net.TCPConn).SetLinger(0)); c.Close() },
	} {
		for mode, raw := range map[string]string{
			"GET": get("/"), "body read": post("hello", "Content-Length: 5"), "after pipelined bytes": get("/") + get("/next"), "background": get("/"), "background, body read": post("0\r\n\r\n", "Transfer-Encoding: chunked"),
		} {
			t.Run(name+" "+mode, func(t *testing.T) {
				t.Parallel()
				entered, ended := make(chan struct{}, 2), make(chan error, 2)
				s := start(t, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.ReadAll(r.Body)
					derived, cancel := context.WithCancel(r.Context())
					defer cancel()
					entered <- struct{}{}
					<-derived.Done()
					ended <- r.Context().Err()
				}, func(s *http1.Server) { s.BackgroundRead = strings.HasPrefix(mode, "background") })
				cl := s.dial().send(raw)
				<-entered
				leave(cl)
				select {
				case err := <-ended:
					if !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
				case <-time.After(5 * time.Second):
					t.Error("the context lives on")
				}
			})
		}
	}
}

// A late notification that a client has disconnected does not end another client's request.
func TestAClientDisconnectEndsNoOtherRequest(t *testing.T) {
	t.Parallel()
	var wrong, ended atomic.Int64
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		leaves := r.URL.Path == "/leaves"
		for range 3 {
			time.Sleep(100 * time.Microsecond)
			switch {
			case r.Context().Err() == nil:
			case leaves:
				ended.Add(1)
			default:
				wrong.Add(1)
			}
		}
	}, nil)
	done := make(chan struct{})
	for range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			for range 300 {
				conn, err := net.Dial("tcp", s.addr)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(conn, get("/leaves"))
				conn.Close()
			}
		}()
		go func() {
			defer func() { done <- struct{}{} }()
			cl := s.dial()
			for range 300 {
				if _, err := io.WriteString(cl, get("/stays")); err != nil {
					t.Error(err)
					return
				}
				if _, err := cl.next("GET"); err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	for range 8 {
		<-done
	}
	if wrong.Load() != 0 || ended.Load() == 0 {
		t.Errorf("%d requests of clients that stayed were ended, %d of others", wrong.Load(), ended.Load())
	}
}

func TestTheContextEndsWithTheHandlerAndDerivedOnesToo(t *testing.T) {
	t.Parallel()
	derived, ran := make(chan context.Context, 1), make(chan struct{})
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		child, cancel := context.WithTimeout(r.Context(), time.Hour)
		context.AfterFunc(child, cancel)
		derived <- child
		context.AfterFunc(r.Context(), func() { ran <- struct{}{} })
		if !context.AfterFunc(r.Context(), func() { t.Error("it was stopped") })() {
			t.Error("it could not be stopped")
		}
	}, nil)
	cl := s.dial()
	for range 3 {
		cl.send(get("/")).mustNext("GET")
		child := <-derived
		<-child.Done()
		<-ran
		if child.Err() != context.Canceled {
			t.Error(child.Err())
		}
	}
}
