package upstream

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"wxgate/internal/testkit"
)

func TestRoundRobinAlternates(t *testing.T) {
	t.Parallel()
	_, a := serveCounting(t, "a")
	_, b := serveCounting(t, "b")
	g, _ := groupWithClock(t, Config{Targets: targets(t, a, b)})
	got := ""
	for range 4 {
		got += get(t, g, "/").body
	}
	if got != "abab" {
		t.Errorf("responses of %q", got)
	}
}

func TestCloseClosesConnectionsAfterTheirRequests(t *testing.T) {
	t.Parallel()
	var conns atomic.Int64
	more := make(chan struct{})
	u := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
		conns.Add(1)
		defer conns.Add(-1)
		serveRequests(c, r, func(req *http.Request) (string, bool) {
			if req.URL.Path == "/slow" {
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
				<-more
				return "whole", true
			}
			return okResponse("late"), true
		})
	})
	g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
	res, err := g.RoundTrip(request(t, "GET", "/slow", ""))
	if err != nil {
		t.Fatal(err)
	}
	g.Close()
	close(more)
	if b, err := io.ReadAll(res.Body); string(b) != "whole" || err != nil {
		t.Errorf("read %q, %v", b, err)
	}
	testkit.Eventually(t, "connection closed", func() bool { return conns.Load() == 0 })

	if r := get(t, g, "/"); r.body != "late" {
		t.Errorf("a request after Close got %q, %v", r.body, r.err)
	}
	testkit.Eventually(t, "connection closed again", func() bool { return conns.Load() == 0 })
}
