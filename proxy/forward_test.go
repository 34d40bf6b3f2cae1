package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/proxy"
	"wxgate/proxy/upstream"
)

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
	if res := env.call("HEAD", "/public/x", "", ""); res.Status != 200 || res.Header.Get("Content-Length") != "100" || len(res.Body) != 0 {
		t.Errorf("HEAD: %d %v", res.Status, res.Header)
	}
	if res := env.call("GET", "/public/x", "", "", "Range", "bytes=10-14"); res.Status != 206 || string(res.Body) != "01234" {
		t.Errorf("Range: %d %s", res.Status, res.Body)
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
		if res := env.do(req); res.Status != 413 || res.Code() != "body_too_large" {
			t.Errorf("%s: %d %s", name, res.Status, res.Code())
		}
	}
	if res := env.call("POST", "/x", "", strings.Repeat("x", 1000)); res.Status != 200 {
		t.Errorf("at the limit: %d", res.Status)
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
