package http1_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"wxgate/internal/http1"
	"wxgate/internal/testkit"
)

// Whatever waits for the end of a request's context may call its Err late: it gets that
// request's error, not the state of the next request on the connection.
func TestAContextKeepsItsErrorForWhateverWaitedForItsEnd(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]func(ctx context.Context, ended func()){
		"AfterFunc": func(ctx context.Context, ended func()) { context.AfterFunc(ctx, ended) },
		"Done": func(ctx context.Context, ended func()) {
			done := ctx.Done()
			go func() {
				<-done
				ended()
			}()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testContextErrorIsKept(t, wait)
		})
	}
}

func testContextErrorIsKept(t *testing.T, wait func(ctx context.Context, ended func())) {
	second, found := make(chan struct{}), make(chan error, 1)
	server := &http1.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			ctx := r.Context()
			wait(ctx, func() {
				<-second
				found <- ctx.Err()
			})
			return
		}
		close(second)
		if err := <-found; err != context.Canceled {
			t.Errorf("while the next request is handled, the first's context ended with %v", err)
		}
	})}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	go server.Serve(ln)
	defer server.Shutdown(t.Context())
	conn, err := net.Dial("tcp", ln.Addr().String())
	testkit.Must(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, get("/first")+get("/second"))
	testkit.Must(t, err)
	responses := bufio.NewReader(conn)
	for range 2 {
		_, err := http.ReadResponse(responses, nil)
		testkit.Must(t, err)
	}
}
