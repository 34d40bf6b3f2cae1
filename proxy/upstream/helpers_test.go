package upstream

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/internal/fieldlist"
	"wxgate/internal/testkit"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a backend and returns its URL.
func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// countingBackend responds with its name and counts its requests.
type countingBackend struct {
	name     string
	requests atomic.Int64
	code     atomic.Int64 // 0: 200
}

func (b *countingBackend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.requests.Add(1)
	if code := b.code.Load(); code != 0 {
		w.WriteHeader(int(code))
	}
	io.WriteString(w, b.name)
}

func serveCounting(t testing.TB, name string) (*countingBackend, string) {
	b := &countingBackend{name: name}
	return b, serve(t, b.ServeHTTP)
}

// serveRaw starts a backend that handles connections itself, each in a goroutine.
func serveRaw(t testing.TB, handle func(c net.Conn, r *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + acceptAll(t, l, handle)
}

func acceptAll(t testing.TB, l net.Listener, handle func(c net.Conn, r *bufio.Reader)) string {
	var background sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	background.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			background.Go(func() {
				defer c.Close()
				handle(c, bufio.NewReader(c))
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		background.Wait()
	})
	return l.Addr().String()
}

// refusedURL is a URL that nothing listens at: no test gets this port.
const refusedURL = "http://127.0.0.1:1"

// resetConn closes a connection with a TCP reset.
func resetConn(c net.Conn) {
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func targets(t testing.TB, urls ...string) []Target {
	list := make([]Target, len(urls))
	for i, u := range urls {
		list[i].URL = mustURL(t, u)
	}
	return list
}

// groupWithClock opens a group with a clock of the test's, closed at the test's end.
func groupWithClock(t testing.TB, c Config) (*Group, *testkit.Clock) {
	t.Helper()
	k := new(testkit.Clock)
	return openGroup(t, c, func(g *Group) { g.now = k.Now }), k
}

// openGroup opens a group that change has modified, closed at the test's end.
func openGroup(t testing.TB, c Config, change func(*Group)) *Group {
	t.Helper()
	if c.Name == "" {
		c.Name = "test"
	}
	g, err := newGroup(c, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	g.lookupInterval = time.Hour
	if change != nil {
		change(g)
	}
	g.start()
	t.Cleanup(g.Close)
	return g
}

func request(t testing.TB, method, path, body string) *http.Request {
	t.Helper()
	var r io.Reader
	if body != "" {
		r = io.NopCloser(strings.NewReader(body)) // not one that net/http can rewind
	}
	req, err := http.NewRequestWithContext(context.Background(), method, "http://gateway.example"+path, r)
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.ContentLength = int64(len(body))
	}
	return req
}

// result is a response that was read to its end, or an error.
type result struct {
	status int
	body   string
	header fieldlist.List
	err    error
}

// send sends a request and reads the response to its end.
func send(g *Group, req *http.Request) result { return sendCall(g, callOf(req)) }

// sendCall makes a call and reads the response to its end.
func sendCall(g *Group, c *Call) result {
	res, err := g.Do(c)
	if err != nil {
		return result{err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return result{res.StatusCode, string(body), res.Header, err}
}

func get(t testing.TB, g *Group, path string) result {
	t.Helper()
	return send(g, request(t, "GET", path, ""))
}

func post(t testing.TB, g *Group, body string) result {
	t.Helper()
	return send(g, request(t, "POST", "/", body))
}

func inFlight(g *Group) (n int) {
	for _, s := range g.Status() {
		n += s.InFlight
	}
	return n
}
