package upstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// serveEach starts a backend that calls serve for each request of a connection until serve
// returns false.
func serveEach(t testing.TB, serve func(r *bufio.Reader, w io.Writer) bool) string {
	return serveRaw(t, func(c net.Conn, r *bufio.Reader) {
		for serve(r, c) {
		}
	})
}

func TestRequestsThatHTTP1CannotExpressAreNotSent(t *testing.T) {
	t.Parallel()
	received := make(chan string, 16)
	u := serve(t, func(_ http.ResponseWriter, r *http.Request) { received <- r.RequestURI })
	g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
	for name, change := range map[string]func(*http.Request){
		"CRLF in a value":     func(r *http.Request) { r.Header["X-A"] = []string{"a\r\nX-OpenID: oEVIL"} },
		"LF in a value":       func(r *http.Request) { r.Header["X-A"] = []string{"a\nb"} },
		"NUL in a value":      func(r *http.Request) { r.Header["X-A"] = []string{"a\x00"} },
		"CRLF in a name":      func(r *http.Request) { r.Header["X-A\r\nX-B"] = []string{"a"} },
		"a blank in a name":   func(r *http.Request) { r.Header["X A"] = []string{"a"} },
		"an empty name":       func(r *http.Request) { r.Header[""] = []string{"a"} },
		"CRLF in the method":  func(r *http.Request) { r.Method = "GET / HTTP/1.1\r\nX: y\r\n\r\nGET" },
		"a blank in the path": func(r *http.Request) { r.URL.Opaque = "/a b" },
		"CRLF in the query":   func(r *http.Request) { r.URL.RawQuery = "a\r\nb" },
		"a blank in the host": func(r *http.Request) { r.Host = "a b" },
	} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", "/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		change(req)
		g.config.PreserveHost = req.Host != ""
		if res, err := g.RoundTrip(req); err == nil {
			res.Body.Close()
			t.Errorf("%s was sent", name)
		}
	}
	if len(received) != 0 {
		t.Errorf("the target got %q", <-received)
	}
}

func TestFramingHeadersAreSetByTheGroup(t *testing.T) {
	t.Parallel()
	raw := make(chan string, 1)
	u := serveEach(t, func(r *bufio.Reader, w io.Writer) bool {
		var b strings.Builder
		for line := ""; line != "\r\n"; b.WriteString(line) {
			var err error
			if line, err = r.ReadString('\n'); err != nil {
				return false
			}
		}
		raw <- b.String()
		io.WriteString(w, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		return true
	})
	g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
	for method, want := range map[string]string{"GET": "", "POST": "Content-Length: 0\r\n", "DELETE": ""} {
		req, err := http.NewRequestWithContext(t.Context(), method, "/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{"Content-Length": {"999999"}, "Transfer-Encoding": {"chunked"}, "Host": {"evil.test"}, "Trailer": {"X"}, "X-OpenID": {"oA"}}
		res, err := g.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		got := <-raw
		if strings.Contains(got, "999999") || strings.Contains(got, "chunked") || strings.Contains(got, "evil") || strings.Contains(got, "Trailer") {
			t.Errorf("%s was sent as %q", method, got)
		}
		if !strings.Contains(got, want) || !strings.Contains(got, "X-OpenID: oA\r\n") {
			t.Errorf("%s was sent as %q", method, got)
		}
	}
}

func TestABodyThatDiffersFromContentLengthIsAnError(t *testing.T) {
	t.Parallel()
	whole := make(chan string, 4)
	u := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if b, err := io.ReadAll(r.Body); err == nil {
			whole <- string(b)
		}
	})
	g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
	for _, declared := range []int64{4, 6} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", "/x", io.MultiReader(strings.NewReader("hello")))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = declared
		if res, err := g.RoundTrip(req); err == nil {
			res.Body.Close()
			t.Errorf("5 bytes, Content-Length %d: status %d", declared, res.StatusCode)
		}
	}
	if len(whole) != 0 {
		t.Errorf("the target accepted %q as the whole body", <-whole)
	}
}

func TestAnEarlyResponseEndsTheUpload(t *testing.T) {
	t.Parallel()
	u := serveEach(t, func(r *bufio.Reader, w io.Writer) bool {
		for line := ""; line != "\r\n"; {
			var err error
			if line, err = r.ReadString('\n'); err != nil {
				return false
			}
		}
		io.WriteString(w, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
		return true
	})
	g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
	body, feed := io.Pipe()
	defer feed.Close()
	req, err := http.NewRequestWithContext(t.Context(), "POST", "/x", body)
	if err != nil {
		t.Fatal(err)
	}
	go io.WriteString(feed, "first, and then nothing for a long time")
	res, err := g.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode != 413 || string(text) != "no" || err != nil {
		t.Errorf("%d %q %v", res.StatusCode, text, err)
	}
}

func TestExpect100Continue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		first  string // response to the request's head
		sent   bool   // the body is sent after it
		status int
	}{
		{"HTTP/1.1 100 Continue\r\n\r\n", true, 200},
		{"", true, 200}, // without a response the body is sent after a second
		{"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", false, 403},
	} {
		t.Run(fmt.Sprintf("%.12q", c.first), func(t *testing.T) {
			t.Parallel()
			u, body := serveExpect(t, c.first, c.sent)
			g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
			req := request(t, "POST", "/x", "hello")
			req.Header.Set("Expect", "100-continue")
			if r := send(g, req); r.status != c.status || c.sent && <-body != "hello" {
				t.Errorf("status %d, %v", r.status, r.err)
			}
		})
	}
}

// serveExpect starts a backend that responds to a request's head with first. With sent it
// then reads the body, sends it to the channel and responds with 200.
func serveExpect(t *testing.T, first string, sent bool) (url string, body chan string) {
	body = make(chan string, 1)
	return serveEach(t, func(r *bufio.Reader, w io.Writer) bool {
		req, err := http.ReadRequest(r)
		if err != nil {
			return false
		}
		io.WriteString(w, first)
		if !sent {
			return true
		}
		b, _ := io.ReadAll(req.Body)
		body <- string(b)
		io.WriteString(w, okResponse(""))
		return true
	}), body
}

func TestAnAbortIsNeverUndone(t *testing.T) {
	t.Parallel()
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
	for i := range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, "GET", "/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Duration(i)*10*time.Microsecond, cancel) // about when the headers are received
		res, err := g.RoundTrip(req)
		if err == nil {
			_, err = io.ReadAll(res.Body)
			res.Body.Close()
		}
		if err == nil {
			t.Error("an aborted stream ended well")
		} else if errors.Is(err, ErrTimeout) {
			t.Errorf("an abort reads as a time-out: %v", err)
		}
	}
}
