package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/proxy"
	"wxgate/proxy/upstream"
	"wxgate/session"
)

// The cost of authentication is the ratio of two of these benchmarks, run together:
//
//	go test -run '^$' -bench Forward -count 6 ./proxy
//
// Each request is sent over real sockets to a backend that does almost nothing, so that
// the proxy takes most of the time. cpu-ns/op is the processor time of the whole process:
// compare that figure on a busy machine.

func BenchmarkForwardBare(b *testing.B) {
	// The same testEnv and the same request, with its token.
	env := newTestEnv(b, envConfig{quiet: true})
	s := httptest.NewServer(bareProxy(b))
	b.Cleanup(s.Close)
	drive(b, s.Listener.Addr().String(), env.login("alice"))
}

// bareProxy is a plain httputil.ReverseProxy, for comparison.
func bareProxy(b *testing.B) *httputil.ReverseProxy {
	backend := bareBackend(b)
	target, err := url.Parse(backend)
	testkit.Must(b, err)
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target); r.SetXForwarded() },
		Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
		// Without a pool it would allocate 32 KiB for each request.
		BufferPool: &bufferPool{},
	}
}

// bufferPool is an httputil.BufferPool.
type bufferPool struct{ pool sync.Pool }

func (p *bufferPool) Get() []byte {
	if buf, ok := p.pool.Get().(*[]byte); ok {
		return *buf
	}
	return make([]byte, 32<<10)
}

func (p *bufferPool) Put(buf []byte) { p.pool.Put(&buf) }

func BenchmarkForwardAuthenticated(b *testing.B) {
	forwardAs(b, func(s *session.Config) { s.CacheTTL = time.Hour })
}

// BenchmarkForwardWithRedisLookup looks the session up in Redis on each request (cache_ttl:
// 0).
func BenchmarkForwardWithRedisLookup(b *testing.B) {
	forwardAs(b, func(s *session.Config) { s.CacheTTL = 0 })
}

// BenchmarkForwardSigned is an authenticated request with a proof, which costs
// two MACs, a key derivation and a round trip to Redis for the nonce.
func BenchmarkForwardSigned(b *testing.B) {
	rt := &proxy.Route{
		Name: "api", Path: "/api/", Auth: proxy.AuthRequired, Proof: proxy.ProofSign,
		Upstream: group(b, upstream.Config{Name: "api", Retries: 1}, bareBackend(b)),
	}
	env := newTestEnv(b, envConfig{routes: []*proxy.Route{rt}, settings: func(s *session.Config) { s.CacheTTL = time.Hour }, quiet: true,
		config: func(c *proxy.Config) { c.PublicOrigins = publicOrigins(b, "https://gw.test") }})
	token, s := env.login("alice"), env.signer("alice")
	s.host = "gw.test"
	requests := make([]string, b.N)
	for i := range requests {
		line := s.proof(signedCall{method: "GET", target: benchTarget, contentType: "application/json"})
		requests[i] = benchRequest(token, "X-Gateway-Proof: "+line+"\r\n")
	}
	var next atomic.Int64
	b.ResetTimer()
	driveEach(b, env.addr, func() string { return requests[next.Add(1)-1] })
}

// forwardAs benchmarks authenticated requests with these session settings.
func forwardAs(b *testing.B, settings func(*session.Config)) {
	rt := &proxy.Route{
		Name: "api", Path: "/api/", Auth: proxy.AuthRequired, WebSocket: true,
		Upstream: group(b, upstream.Config{Name: "api", Retries: 1}, bareBackend(b)),
	}
	env := newTestEnv(b, envConfig{routes: []*proxy.Route{rt}, settings: settings, quiet: true})
	drive(b, env.addr, env.login("alice"))
}

// drive sends the same request repeatedly, on one connection per parallel worker.
func drive(b *testing.B, addr, token string) {
	request := benchRequest(token, "")
	driveEach(b, addr, func() string { return request })
}

const benchTarget = "/api/items/42?page=2"

func benchRequest(token, more string) string {
	return "GET " + benchTarget + " HTTP/1.1\r\nHost: gw.test\r\nUser-Agent: bench\r\nAccept: */*\r\n" +
		"Accept-Encoding: gzip\r\nReferer: https://servicewechat.com/wx1/1/page-frame.html\r\nContent-Type: application/json\r\n" +
		more + "Authorization: Bearer " + token + "\r\n\r\n"
}

// driveEach is drive with a request of its own each time.
func driveEach(b *testing.B, addr string, request func() string) {
	b.ReportAllocs()
	before := cpuTime()
	b.RunParallel(func(pb *testing.PB) {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		r := bufio.NewReader(conn)
		for pb.Next() {
			if err := exchangeOnce(conn, r, request()); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
}

// exchangeOnce sends one request and reads its response.
func exchangeOnce(conn net.Conn, r *bufio.Reader, request string) error {
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	line, err := r.ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, "HTTP/1.1 200") {
		return io.ErrUnexpectedEOF
	}
	for line != "\r\n" {
		if line, err = r.ReadString('\n'); err != nil {
			return err
		}
	}
	_, err = r.Discard(len(bareBody))
	return err
}

const bareBody = `{"items":[1,2,3],"page":2,"total":3}`

// bareBackend responds to every request with the same bytes.
func bareBackend(b *testing.B) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(b, err)
	b.Cleanup(func() { ln.Close() })
	response := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 36\r\nDate: Sun, 22 Nov 2026 00:00:00 GMT\r\n\r\n" + bareBody)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go respondToAll(conn, response)
		}
	}()
	return "http://" + ln.Addr().String()
}

func respondToAll(conn net.Conn, response []byte) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		if len(line) == 2 { // the empty line after a request's header
			if _, err := conn.Write(response); err != nil {
				return
			}
		}
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
