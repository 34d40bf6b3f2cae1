package http1_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"

	"wxgate/internal/http1"
	"wxgate/internal/testkit"
)

// What is started at a request's end may look at its context late: it finds
// that request's error, not the state of the next on the connection.
func TestAContextKeepsItsErrorForWhatItsEndStarted(t *testing.T) {
	t.Parallel()
	const requests = 500
	found := make(chan error, requests)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	server := &http1.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		context.AfterFunc(ctx, func() { runtime.Gosched(); found <- ctx.Err() })
	})}
	go server.Serve(ln)
	defer server.Shutdown(t.Context())
	conn, err := net.Dial("tcp", ln.Addr().String())
	testkit.Must(t, err)
	defer conn.Close()
	answers := bufio.NewReader(conn)
	for range requests {
		_, err := io.WriteString(conn, get("/"))
		testkit.Must(t, err)
		res, err := http.ReadResponse(answers, nil)
		testkit.Must(t, err)
		_, _ = io.Copy(io.Discard, res.Body)
	}
	for range requests {
		if err := <-found; err != context.Canceled {
			t.Fatalf("the context's error is %v", err)
		}
	}
}
