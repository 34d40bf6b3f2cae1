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

// What is started at a request's end may look at its context late: it finds
// that request's error, not the state of the next on the connection.
func TestAContextKeepsItsErrorForAfterFuncs(t *testing.T) {
	t.Parallel()
	second, found := make(chan struct{}), make(chan error, 1)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	server := &http1.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			ctx := r.Context()
			context.AfterFunc(ctx, func() {
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
