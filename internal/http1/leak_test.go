package http1_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"testing"
	"time"

	"wxgate/internal/http1"
	"wxgate/internal/testkit"
)

// Not parallel: it counts what the process has.
func TestConnectionsLeakNothing(t *testing.T) {
	useAndStop(t, true) // the first use opens what the process keeps, as the poller's descriptors
	http.DefaultClient.CloseIdleConnections()
	goroutines, descriptors := runtime.NumGoroutine(), countDescriptors(t)
	for _, background := range []bool{false, true} {
		useAndStop(t, background)
	}
	http.DefaultClient.CloseIdleConnections()
	testkit.Within(t, 10*time.Second, "goroutines and descriptors are back to what they were", func() bool {
		runtime.GC()
		return runtime.NumGoroutine() <= goroutines && countDescriptors(t) <= descriptors
	})
}

// useAndStop ends connections of each kind in each possible way.
func useAndStop(t *testing.T, background bool) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	s := &http1.Server{BackgroundRead: background, ReadHeaderTimeout: 100 * time.Millisecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hijack":
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				conn.Close()
			}
		case "/abort":
			panic(http.ErrAbortHandler)
		case "/wait":
			<-r.Context().Done()
		default:
			derived, cancel := context.WithCancel(r.Context())
			defer cancel()
			_, _ = io.Copy(w, r.Body)
			_ = derived.Err()
		}
	})}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	for _, raw := range []string{get("/"), get("/") + get("/"), get("/hijack"), get("/abort"), get("/wait"), "GET / HT", "nonsense\r\n\r\n", post("x", "Content-Length: 100"), post("5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), ""} {
		for range 5 {
			conn, err := net.Dial("tcp", ln.Addr().String())
			testkit.Must(t, err)
			_, _ = io.WriteString(conn, raw)
			if raw != get("/wait") {
				_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
				_, _ = conn.Read(make([]byte, 100))
			}
			conn.Close()
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	testkit.Must(t, s.Shutdown(ctx))
	if err := <-served; err != http.ErrServerClosed {
		t.Error(err)
	}
	if n := s.Connections(); n != 0 {
		t.Errorf("%d slots are taken", n)
	}
}

// countDescriptors returns 0 if the system does not report the number.
func countDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}
