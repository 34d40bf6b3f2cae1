package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"wxgate/internal/testkit"
)

func TestStreamsAreFlushedAtOnce(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"text/event-stream", "application/octet-stream"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			next := make(chan struct{})
			env := newTestEnv(t, envConfig{backend: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", kind)
				w.(http.Flusher).Flush()
				for i := range 3 {
					<-next
					fmt.Fprintf(w, "data: %d\n\n", i)
					w.(http.Flusher).Flush()
				}
			})})
			res, err := http.Get(env.base + "/public/stream")
			testkit.Must(t, err)
			defer res.Body.Close()
			lines := bufio.NewReader(res.Body)
			for i := range 3 {
				next <- struct{}{} // the backend sends nothing more until this has arrived
				line, err := lines.ReadString('\n')
				testkit.Must(t, err)
				if line != fmt.Sprintf("data: %d\n", i) {
					t.Errorf("got %q", line)
				}
				lines.ReadString('\n')
			}
		})
	}
}

// A load balancer repeats a request whose connection is closed without a byte of response.
func TestIncompleteResponseOfABackendIsNeverAnEmptyOne(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	for name, test := range map[string]struct {
		raw    string
		status int
		whole  bool
	}{
		"nothing of the body":     {head + "Content-Length: 10\r\n\r\n" + closeAfterResponse, 502, true},
		"half of a short body":    {head + "Content-Length: 10\r\n\r\nhello" + closeAfterResponse, 502, true},
		"3 KB of 5":               {head + "Content-Length: 5000\r\n\r\n" + strings.Repeat("x", 3000) + closeAfterResponse, 502, true},
		"4,500 bytes of 5,000":    {head + "Content-Length: 5000\r\n\r\n" + strings.Repeat("x", 4500) + closeAfterResponse, 200, false},
		"40 KB of 50":             {head + "Content-Length: 50000\r\n\r\n" + strings.Repeat("x", 40000) + closeAfterResponse, 200, false},
		"chunked, before a chunk": {head + "Transfer-Encoding: chunked\r\n\r\n" + closeAfterResponse, 200, false},
		"chunked, after one":      {head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n" + closeAfterResponse, 200, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAttackEnv(t)
			s := a.newGateway(t, nil)
			s.backend.respondWith(test.raw)
			c := s.dial()
			c.send(request("POST /api/orders HTTP/1.1", "Host: gw.test", "@A", "Content-Length: 2") + "{}")
			res, err := http.ReadResponse(c.r, &http.Request{Method: "POST"})
			if err != nil {
				t.Fatalf("the connection was closed without a response: %v", err)
			}
			_, err = io.ReadAll(res.Body)
			if res.StatusCode != test.status || (err == nil) != test.whole {
				t.Errorf("%d, %v", res.StatusCode, err)
			}
			if n := len(s.backend.requests()); n != 1 {
				t.Errorf("the backend received %d requests", n)
			}
		})
	}
}

func TestResponsesWithoutABodyHaveNoContentLength(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	for _, status := range []string{"204 No Content", "304 Not Modified"} {
		s := a.newGateway(t, nil)
		s.backend.respondWith("HTTP/1.1 " + status + "\r\nContent-Length: 5\r\nEtag: \"x\"\r\n\r\n")
		got, _ := s.roundTrip(get("/public/x"))
		if _, sent := got.Header["Content-Length"]; sent || got.Header.Get("Etag") != `"x"` {
			t.Errorf("%s: %v", status, got.Header)
		}
	}
}

// A client that half-closes its connection counts as disconnected. It may still read, and
// must not get an empty 200 that no backend sent.
func TestHalfClosedClientGetsNoEmpty200(t *testing.T) {
	t.Parallel()
	s := newAttackEnv(t).newGateway(t, nil)
	arrived, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	s.backend.respondFunc(func(backendRequest) string {
		close(arrived)
		<-release
		return closeAfterResponse
	})
	c := s.dial()
	c.send(request("GET /api/slow HTTP/1.1", "Host: gw.test", "@A"))
	<-arrived
	testkit.Must(t, c.conn.(*net.TCPConn).CloseWrite())
	if got, err := c.readResponse("GET"); err == nil && got.Status < 400 {
		t.Errorf("%d %q", got.Status, got.Body)
	}
}
