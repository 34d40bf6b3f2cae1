package proxy_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"wxgate/internal/testkit"
	"wxgate/proxy"
	"wxgate/proxy/upstream"
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

func TestTrailersAreForwardedBothWays(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		io.Copy(w, r.Body)
		w.Header().Set("X-Sum", r.Trailer.Get("X-Check"))
		w.Header().Set(http.TrailerPrefix+"X-Late", "yes")
		w.Header().Set(http.TrailerPrefix+"X-Session-Token", "stolen")
		w.Header().Set(http.TrailerPrefix+"X-OpenID", "stolen")
	})})
	body, feed := io.Pipe()
	req, err := http.NewRequest("POST", env.base+"/public/x", body)
	testkit.Must(t, err)
	req.Trailer = http.Header{"X-Check": nil, "X-Openid": nil}
	go func() {
		io.WriteString(feed, "hello")
		req.Trailer["X-Check"] = []string{"42"}
		req.Trailer["X-Openid"] = []string{"oADMIN"}
		feed.Close()
	}()
	res, err := client.Do(req)
	testkit.Must(t, err)
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	testkit.Must(t, err)
	if string(got) != "hello" || res.Trailer.Get("X-Sum") != "42" || res.Trailer.Get("X-Late") != "yes" {
		t.Errorf("%q, trailers %v", got, res.Trailer)
	}
	for _, name := range []string{"X-Session-Token", "X-Openid"} {
		if res.Trailer.Get(name) != "" {
			t.Errorf("trailer %s was forwarded", name)
		}
	}
}

// The memory of the header may be reused for another response before the trailers are
// sent.
func TestTrailersDoNotContainHeaderValues(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{backend: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		w.Header().Set("X-Sum", "header")
		w.WriteHeader(http.StatusOK)
		w.Header().Set("X-Sum", "trailer")
		w.Header().Set(http.TrailerPrefix+"X-Late", "yes")
	})})
	res, err := client.Get(env.base + "/public/x")
	testkit.Must(t, err)
	defer res.Body.Close()
	_, err = io.ReadAll(res.Body)
	testkit.Must(t, err)
	if sum := res.Trailer["X-Sum"]; len(sum) != 1 || sum[0] != "trailer" || res.Header.Get("X-Sum") != "header" {
		t.Errorf("header %q, trailer %q", res.Header["X-Sum"], sum)
	}
}

func TestEarlyHintsAreForwarded(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{backend: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.Header().Set("X-Session-Token", "stolen")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		io.WriteString(w, "done")
	})})
	var early textproto.MIMEHeader
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			if code == http.StatusEarlyHints {
				early = h
			}
			return nil
		},
	})
	req, err := http.NewRequestWithContext(ctx, "GET", env.base+"/public/x", nil)
	testkit.Must(t, err)
	a := env.do(req)
	if early.Get("Link") == "" || early.Get("X-Session-Token") != "" || a.Header.Get("Link") != "" || string(a.Body) != "done" {
		t.Errorf("early %v, then %v %s", early, a.Header, a.Body)
	}
}

func TestContinueIsSentOnlyWhenTheBackendReadsTheBody(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/public/no" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		io.Copy(w, r.Body)
	})})
	for path, want := range map[string]string{"/public/no": "HTTP/1.1 403", "/public/yes": "HTTP/1.1 100"} {
		conn, err := net.Dial("tcp", env.addr)
		testkit.Must(t, err)
		defer conn.Close()
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: gw.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", path)
		conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		line, err := bufio.NewReader(conn).ReadString('\n')
		testkit.Must(t, err)
		if !strings.HasPrefix(line, want) {
			t.Errorf("%s: %q", path, line)
		}
	}
}

func TestHeadAndRangeRequestsAreForwarded(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("0123456789", 10)
	env := newTestEnv(t, envConfig{backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "x.txt", time.Time{}, strings.NewReader(content))
	})})
	if a := env.call("HEAD", "/public/x", "", ""); a.Status != 200 || a.Header.Get("Content-Length") != "100" || len(a.Body) != 0 {
		t.Errorf("HEAD: %d %v", a.Status, a.Header)
	}
	if a := env.call("GET", "/public/x", "", "", "Range", "bytes=10-14"); a.Status != 206 || string(a.Body) != "01234" {
		t.Errorf("Range: %d %s", a.Status, a.Body)
	}
}

func TestLargeBodiesStreamInConstantMemory(t *testing.T) {
	const size = 256 << 20
	env := newTestEnv(t, envConfig{quiet: true, backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "PUT" {
			n, _ := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n)
			return
		}
		io.CopyN(w, zeros{}, size)
	})})
	var before, peak runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	sample := func(n int64) {
		if n%(32<<20) == 0 {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			peak.HeapAlloc = max(peak.HeapAlloc, now.HeapAlloc)
		}
	}
	req, err := http.NewRequest("PUT", env.base+"/public/x", &meter{io.LimitReader(zeros{}, size), 0, sample})
	testkit.Must(t, err)
	req.ContentLength = size
	if a := env.do(req); string(a.Body) != fmt.Sprint(size) {
		t.Fatalf("upload: %d %s", a.Status, a.Body)
	}
	res, err := client.Get(env.base + "/public/x")
	testkit.Must(t, err)
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, &meter{res.Body, 0, sample})
	testkit.Must(t, err)
	if n != size {
		t.Errorf("download: %d bytes", n)
	}
	if grown := int64(peak.HeapAlloc) - int64(before.HeapAlloc); grown > 32<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// meter calls onMiB after each MiB that is read through it.
type meter struct {
	r     io.Reader
	n     int64
	onMiB func(int64)
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	for before := m.n >> 20; before < (m.n+int64(n))>>20; before++ {
		m.onMiB((before + 1) << 20)
	}
	m.n += int64(n)
	return n, err
}

func TestBodyLimitAppliesToEveryFraming(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{routes: []*proxy.Route{{Name: "up", Path: "/", Auth: proxy.AuthNone, MaxBody: 1000}}})
	for name, body := range map[string]io.Reader{
		"length":  strings.NewReader(strings.Repeat("x", 1001)),
		"chunked": io.MultiReader(strings.NewReader(strings.Repeat("x", 1001))),
	} {
		req, err := http.NewRequest("POST", env.base+"/x", body)
		testkit.Must(t, err)
		if a := env.do(req); a.Status != 413 || a.Code() != "body_too_large" {
			t.Errorf("%s: %d %s", name, a.Status, a.Code())
		}
	}
	if a := env.call("POST", "/x", "", strings.Repeat("x", 1000)); a.Status != 200 {
		t.Errorf("at the limit: %d", a.Status)
	}
}

func TestWebSocketIsByteExactWithCloseCodes(t *testing.T) {
	t.Parallel()
	closed := make(chan error, 1)
	env := newTestEnv(t, envConfig{backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		c.SetReadLimit(-1)
		for {
			kind, data, err := c.Read(r.Context())
			if err != nil {
				closed <- err
				return
			}
			c.Write(r.Context(), kind, data)
		}
	})})
	c := env.dial(t, "/ws", env.login("alice"))
	c.SetReadLimit(-1)
	for _, size := range []int{0, 1, 511, 512, 513, 70_000, 3 << 20} {
		sent := strings.Repeat("\x00\xffab", size/4+1)[:size]
		go c.Write(t.Context(), websocket.MessageBinary, []byte(sent))
		_, got, err := c.Read(t.Context())
		testkit.Must(t, err)
		if string(got) != sent {
			t.Errorf("%d bytes were changed (%d received)", size, len(got))
		}
	}
	c.Close(4242, "bye")
	if err := <-closed; websocket.CloseStatus(err) != 4242 {
		t.Errorf("the backend received %v", err)
	}
}

// dial opens a WebSocket with the token in a header, as a mini program does.
func (env *testEnv) dial(t *testing.T, path, token string) *websocket.Conn {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), env.base+path, &websocket.DialOptions{
		HTTPHeader: http.Header{"Authorization": {"Bearer " + token}},
	})
	testkit.Must(t, err)
	t.Cleanup(func() { c.CloseNow() })
	return c
}

// neverEnding is a backend whose WebSockets and streams end only with their client.
func neverEnding(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "" {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: hello\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return
	}
	c, err := websocket.Accept(w, r, nil)
	if err == nil {
		c.Read(context.Background())
		c.CloseNow()
	}
}

func TestSessionEndClosesItsWebSocketsAndStreams(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{backend: http.HandlerFunc(neverEnding)})
	token := env.login("alice")
	socket := env.dial(t, "/ws", token)
	stream := env.open(t, "/sse", token)
	other := env.dial(t, "/ws", env.login("bob"))
	if a := env.call("POST", "/auth/logout", token, ""); a.Status != 204 {
		t.Fatalf("logout: %d", a.Status)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, _, err := socket.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("the socket stays open: %v", err)
	}
	if _, err := io.ReadAll(stream.Body); err == nil {
		t.Error("the stream ended like a complete response")
	}
	short, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if _, _, err := other.Read(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("bob's socket: %v", err)
	}
}

// open starts a stream and reads its first line.
func (env *testEnv) open(t *testing.T, path, token string) *http.Response {
	t.Helper()
	req, err := http.NewRequest("GET", env.base+path, nil)
	testkit.Must(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultTransport.RoundTrip(req)
	testkit.Must(t, err)
	t.Cleanup(func() { res.Body.Close() })
	if _, err := io.ReadFull(res.Body, make([]byte, len("data: hello\n\n"))); err != nil {
		t.Fatal(err)
	}
	return res
}

func TestHalfClosedTunnelDeliversTheOtherDirection(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	defer ln.Close()
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		r := bufio.NewReader(c)
		for line := ""; line != "\r\n"; line, _ = r.ReadString('\n') {
		}
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		sent, _ := io.ReadAll(r) // until the client's half is closed
		fmt.Fprintf(c, "got %s", sent)
	}()
	env := newTestEnv(t, envConfig{routes: []*proxy.Route{{
		Name: "ws", Path: "/", Auth: proxy.AuthNone, WebSocket: true,
		Upstream: group(t, upstream.Config{Name: "ws"}, "http://"+ln.Addr().String()),
	}}})
	conn, err := net.Dial("tcp", env.addr)
	testkit.Must(t, err)
	defer conn.Close()
	// The first bytes are sent together with the handshake.
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: gw.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nearly")
	r := bufio.NewReader(conn)
	for line := ""; line != "\r\n"; line, err = r.ReadString('\n') {
		testkit.Must(t, err)
	}
	io.WriteString(conn, " late")
	testkit.Must(t, conn.(*net.TCPConn).CloseWrite())
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	rest, err := io.ReadAll(r)
	testkit.Must(t, err)
	if string(rest) != "got early late" {
		t.Errorf("got %q", rest)
	}
}

func TestBidirectionalStreamOverH2C(t *testing.T) {
	t.Parallel()
	backend := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		w.(http.Flusher).Flush()
		lines := bufio.NewReader(r.Body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				break
			}
			io.WriteString(w, "echo "+line)
			w.(http.Flusher).Flush()
		}
		w.Header().Set("Grpc-Status", "7")
	}))
	backend.Config.Protocols = new(http.Protocols)
	backend.Config.Protocols.SetUnencryptedHTTP2(true)
	backend.Start()
	t.Cleanup(backend.Close)
	env := newTestEnv(t, envConfig{routes: []*proxy.Route{{
		Name: "grpc", Path: "/", Auth: proxy.AuthRequired,
		Upstream: group(t, upstream.Config{Name: "grpc"}, strings.Replace(backend.URL, "http", "h2c", 1)),
	}}})
	h2 := &http.Transport{Protocols: new(http.Protocols)}
	h2.Protocols.SetUnencryptedHTTP2(true)
	body, feed := io.Pipe()
	req, err := http.NewRequest("POST", env.base+"/svc/Method", body)
	testkit.Must(t, err)
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Te", "trailers")
	req.Header.Set("Authorization", "Bearer "+env.login("alice"))
	res, err := h2.RoundTrip(req)
	testkit.Must(t, err)
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for _, word := range []string{"one", "two", "three"} {
		io.WriteString(feed, word+"\n")
		got, err := lines.ReadString('\n')
		testkit.Must(t, err)
		if got != "echo "+word+"\n" {
			t.Errorf("got %q", got)
		}
	}
	feed.Close()
	if _, err := io.ReadAll(lines); err != nil {
		t.Fatal(err)
	}
	if res.ProtoMajor != 2 || res.Trailer.Get("Grpc-Status") != "7" {
		t.Errorf("HTTP/%d, trailers %v", res.ProtoMajor, res.Trailer)
	}
}

// serve starts a server for the handler and returns its URL.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestErrorsOfTheServerHaveAnErrorCode(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, envConfig{})
	for raw, want := range map[string]string{
		"GET /api/%zz HTTP/1.1\r\nHost: gw.test\r\n\r\n":        "400 bad_path",
		"GET /api/x%2 HTTP/1.1\r\nHost: gw.test\r\n\r\n":        "400 bad_path",
		"GET /api/x HTTP/1.1\r\n\r\n":                           "400 bad_request",
		"no request line\r\n\r\n":                               "400 bad_request",
		"GET /public/x HTTP/1.1\r\nHost: gw.test\r\nX-Half: ye": "408 timeout",
	} {
		t.Run(want+" "+raw[:12], func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", env.addr)
			testkit.Must(t, err)
			defer conn.Close()
			io.WriteString(conn, raw)
			conn.SetReadDeadline(time.Now().Add(20 * time.Second))
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			testkit.Must(t, err)
			if got := fmt.Sprintf("%d %s", res.StatusCode, res.Header.Get("X-Gateway-Error")); got != want {
				t.Errorf("%q: %s, not %s", raw, got, want)
			}
		})
	}
}
