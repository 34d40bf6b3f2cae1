package wechat

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"

	"wxgate/internal/sleep"
)

// pipeListener is a net.Listener in memory, so that a server and its clients run on the
// clock of synctest.
type pipeListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// newPipeClient returns a client with an access token, whose WeChat is the handler.
func newPipeClient(t *testing.T, o Options, config Config, h http.HandlerFunc) *Client {
	t.Helper()
	c, err := New(o, config)
	if err != nil {
		t.Fatal(err)
	}
	l := newPipeListener()
	c.current.Load().pooled.DialContext = l.dial
	for _, a := range config.Apps {
		if err := c.tokens.Save(t.Context(), a.ID, "T1", time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	srv := &http.Server{Handler: h}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() {
		c.Close()
		_ = srv.Close()
	})
	return c
}

// A call that times out because it waited for a slot for most of its timeout is no failure
// of WeChat. Here 20 of 60 calls get their response, the next 20 have only 200 ms left
// when they get a slot, and the last 20 get none in time.
func TestQueueingTimeoutsDoNotOpenTheCircuitBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const slots, responseTime, timeout = 20, 300 * time.Millisecond, 500 * time.Millisecond
		config := Config{Base: "http://wechat.test", Timeout: timeout, Apps: []App{{ID: "wx1", Secret: "s1"}}}
		c := newPipeClient(t, Options{MaxInFlight: slots}, config, func(w http.ResponseWriter, r *http.Request) {
			if sleep.For(r.Context(), responseTime) {
				_, _ = io.WriteString(w, `{"errcode":0,"errmsg":"ok"}`)
			}
		})
		var calls sync.WaitGroup
		var failed atomic.Int32
		for i := range 3 * slots {
			calls.Go(func() {
				if _, err := c.CheckSession(t.Context(), "wx1", fmt.Sprint("o", i), "key"); err != nil {
					failed.Add(1)
				}
			})
		}
		calls.Wait()
		if failed.Load() != 2*slots {
			t.Errorf("%d calls timed out, want %d", failed.Load(), 2*slots)
		}
		if state := c.current.Load().app("wx1").breakers[bulkheadAPI].State(); state != gobreaker.StateClosed {
			t.Errorf("the circuit breaker is %v", state)
		}
		if ok, err := c.CheckSession(t.Context(), "wx1", "o", "key"); !ok || err != nil {
			t.Errorf("afterwards: %v, %v", ok, err)
		}
	})
}
