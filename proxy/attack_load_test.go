package proxy_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/proxy"
	"wxgate/proxy/upstream"
	"wxgate/session"
)

func plainGroup(t testing.TB, addrs ...string) *upstream.Group {
	t.Helper()
	var targets []string
	for _, addr := range addrs {
		targets = append(targets, "http://"+addr)
	}
	return group(t, upstream.Config{Name: "plain", Timeout: time.Second, Retries: 1}, targets...)
}

func TestSlowConnectionsTimeOut(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("DS-01", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil) // its header deadline is five seconds
		var slow []*rawConn
		for range 200 {
			c := s.dial()
			c.send("GET /public/x HTTP/1.1\r\nHost: gw.test\r\nX-Slow: ")
			slow = append(slow, c)
		}
		s.checkOtherClientsAndReset()
		start := time.Now()
		for _, c := range slow {
			_, _ = io.Copy(io.Discard, c.r)
		}
		if elapsed := time.Since(start); elapsed > 15*time.Second {
			t.Errorf("slow headers were not closed within %v", elapsed)
		}
		s.expectNotForwarded("slow")
	})
	t.Run("DS-11", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		c := s.dial()
		if start := time.Now(); !c.closed() || time.Since(start) > 15*time.Second {
			t.Error("a connection without a request stayed open")
		}
	})
	t.Run("DS-13", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		silent, err := net.Listen("tcp", "127.0.0.1:0")
		testkit.Must(t, err)
		defer silent.Close()
		s.setRoutes(&proxy.Route{Name: "api", Path: "/api/", Auth: proxy.AuthRequired, Upstream: plainGroup(t, silent.Addr().String())})
		s.expectError(api(), 504, "upstream_timeout")
	})
}

func TestHeaderAndBodySizesAreLimited(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("DS-04", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		before := heapBytes()
		s.expectRefused(get("/public/x", strings.TrimSuffix(strings.Repeat("a: b\r\n", 10000), "\r\n")), 431)
		s.expectRefused(get("/public/x", strings.TrimSuffix(strings.Repeat("X: y\r\n", 300), "\r\n")), 431)
		s.expectRefused(get("/public/x", "X: "+strings.Repeat("a", 1<<20)), 431)
		s.expectRefused(get("/public/x", strings.Repeat("N", 64<<10)+": a"), 431)
		s.expectRefused(get("/public/x", "X: "+strings.Repeat("a", 33<<10)), 431)
		s.expectRefused(get("/public/x", "Cookie: "+strings.Repeat("gw_session_0=a; ", 3000)), 431)
		if grown := heapBytes() - before; grown > 256<<20 {
			t.Errorf("memory grew by %d MiB", grown>>20)
		}
		s.expectForwarded(get("/public/x", "X: "+strings.Repeat("a", 31<<10)), "")
		s.expectRefused(get("/public/x", "Connection: "+strings.Repeat("a,", 14<<10)), 400)
	})
	t.Run("DS-05", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		s.expectRefused(get("/public/"+strings.Repeat("a", 100<<10)), 431, 414, 400)
		s.expectRefused(get("/public/"+strings.Repeat("a", 40<<10)), 431, 414, 400)
		s.expectRefused(strings.Repeat("G", 100<<10)+" /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n", 431, 400)
		s.expectRefused(strings.Repeat("G", 40<<10)+" /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n", 431, 400)
		s.expectError(strings.Repeat("G", 1<<10)+" /public/x HTTP/1.1\r\nHost: gw.test\r\n\r\n", 405, "method_not_allowed")
	})
	t.Run("DS-07", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		s.expectError(get("/api/x", "Cookie: gw_session_0=a; gw_session_9999999=b; gw_session_count=4000000000"), 401, "token_missing")
	})
	t.Run("DS-08", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, func(c *proxy.Config) {
			for _, rt := range c.Routes {
				rt.MaxBody = 1000
			}
		})
		s.expectRefused(post(strings.Repeat("x", 1001), "Content-Length: 1001"), 413)
		s.expectRefused(post("", "Content-Length: 9000000000000000000"), 413)
		got, c := s.roundTrip(post("800\r\n"+strings.Repeat("x", 0x800)+"\r\n0\r\n\r\n", "Transfer-Encoding: chunked"))
		if got.Status != 413 || got.Code() != "body_too_large" || !c.closed() {
			t.Errorf("chunked: %d %s", got.Status, got.Code())
		}
		for _, req := range s.backend.requests() {
			if strings.HasSuffix(string(req), "0\r\n\r\n") {
				t.Errorf("the backend received it as a complete request: %.300q", req)
			}
		}
		s.backend.reset()
		s.expectForwarded(post(strings.Repeat("x", 1000), "Content-Length: 1000"), a.openA)
		s.checkOtherClientsAndReset()
	})
	t.Run("DS-10", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		var compressed bytes.Buffer
		z := gzip.NewWriter(&compressed)
		_, _ = io.Copy(z, io.LimitReader(zeros{}, 30<<20))
		z.Close()
		got, _ := s.roundTrip(request("POST /auth/login HTTP/1.1", "Host: gw.test", "Content-Encoding: gzip", fmt.Sprint("Content-Length: ", compressed.Len())) + compressed.String())
		if got.Status != 400 {
			t.Errorf("%d %s", got.Status, got.Body)
		}
		s.backend.respondWith(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", compressed.Len(), compressed.String()))
		if got, _ := s.roundTrip(api("Accept-Encoding: gzip")); len(got.Body) != compressed.Len() {
			t.Errorf("%d bytes of %d", len(got.Body), compressed.Len())
		}
	})
}

func TestFloodsOfRequestsAreBounded(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("DS-16", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, func(c *proxy.Config) {
			trustLoopback(c)
			c.Endpoints.LoginPerIP = session.Rate{Count: 1, Per: time.Minute}
		})
		before := heapBytes()
		c := s.dial()
		go func() {
			for i := range 2000 {
				c.send(loginRequest(`{}`, fmt.Sprintf("X-Forwarded-For: 198.51.%d.%d", i/250, i%250+1)))
			}
		}()
		for i := range 2000 {
			if got, err := c.readResponse("POST"); err != nil || got.Status != 400 {
				t.Fatalf("%d: %d, %v", i, got.Status, err)
			}
		}
		if grown := heapBytes() - before; grown > 256<<20 {
			t.Errorf("memory grew by %d MiB", grown>>20)
		}
	})
	t.Run("DS-17", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		var all sync.WaitGroup
		for range 4 {
			c := s.dial()
			all.Go(func() {
				go c.send(strings.Repeat(get("/api/x"), 1500))
				for range 1500 {
					if got, err := c.readResponse("GET"); err != nil || got.Status != 401 {
						t.Errorf("%d, %v", got.Status, err)
						return
					}
				}
			})
		}
		all.Wait()
		lines := strings.Count(s.logs.String(), `"token_missing"`)
		if lines == 0 || lines == 6000 {
			t.Errorf("%d log lines of 6000 refused requests", lines)
		}
	})
	t.Run("DS-19", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		c := s.dial()
		forged := getWithToken(withJWTHeader(a.tokenA, `{"alg":"RS256","typ":"JWT"}`))
		start := time.Now()
		go c.send(strings.Repeat(forged, 1000))
		for range 1000 {
			if got, err := c.readResponse("GET"); err != nil || got.Status != 401 {
				t.Fatalf("%d, %v", got.Status, err)
			}
		}
		if elapsed := time.Since(start); elapsed > 10*time.Second {
			t.Errorf("a thousand forged tokens took %v", elapsed)
		}
	})
}

// The gateway closes the connection of a body that does not arrive within 30 seconds, even
// if it does not need the body.
func TestStalledBodiesTimeOut(t *testing.T) {
	t.Parallel()
	s := newAttackEnv(t).newGateway(t, nil)
	var all sync.WaitGroup // not subtests: they would wait for one another
	for name, head := range map[string]string{
		"DS-02 forwarded":       post("", "Content-Length: 1000000"),
		"DS-02 started":         post("x", "Content-Length: 1000000"),
		"DS-02 chunked":         post("5\r\nhel", "Transfer-Encoding: chunked"),
		"DS-02 refused":         request("POST /api/x HTTP/1.1", "Host: gw.test", "Content-Length: 1000"),
		"DS-02 no route":        request("POST /nowhere HTTP/1.1", "Host: gw.test", "Transfer-Encoding: chunked"),
		"DS-02 refused at once": request("POST /a//b HTTP/1.1", "Host: gw.test", "Content-Length: 1000"),
		"DS-02 own endpoint":    request("POST /auth/login HTTP/1.1", "Host: gw.test", "Content-Length: 1000") + "{",
	} {
		c := s.dial()
		testkit.Must(t, c.conn.SetDeadline(time.Now().Add(45*time.Second)))
		c.send(head)
		all.Go(func() {
			got, err := c.readResponse("POST")
			if err != nil || got.Status/100 != 4 || !c.closed() {
				t.Errorf("%s: %d %s, %v", name, got.Status, got.Code(), err)
			}
		})
	}
	s.checkOtherClientsAndReset()
	all.Wait()
	s.checkOtherClientsAndReset()
}

func TestLoginLimitCoversEveryFormOfTheRequest(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	limited := func(c *proxy.Config) { c.Endpoints.LoginPerIP = session.Rate{Count: 3, Per: time.Hour} }
	// All clients have the address 127.0.0.1, so that each gateway needs a Redis of its own.
	t.Run("RL-02", func(t *testing.T) {
		s := newAttackEnv(t).newGateway(t, limited)
		for i, path := range []string{"/auth/login", "/auth/login?x=1", "/auth/%6cogin", "/auth/%6C%6Fgin", "/auth/login?"} {
			got, _ := s.roundTrip(strings.Replace(loginRequest(`{"code":"nonsense"}`), "/auth/login", path, 1))
			if want := map[bool]int{true: 429, false: 401}[i >= 3]; got.Status != want {
				t.Errorf("%s: %d, not %d", path, got.Status, want)
			}
		}
		s.expectError(strings.Replace(loginRequest(`{}`), "/auth/login", "//auth/login", 1), 400, "bad_path")
	})
	t.Run("RL-03", func(t *testing.T) {
		s := newAttackEnv(t).newGateway(t, limited)
		for i := range 6 {
			got, _ := s.roundTrip(loginRequest(`{"code":"nonsense"}`, fmt.Sprint("X-Forwarded-For: 10.0.0.", i), fmt.Sprint("X-Real-IP: 10.0.0.", i), fmt.Sprint("Forwarded: for=10.0.0.", i)))
			if limited := got.Status == 429; limited != (i >= 3) || limited && got.Header.Get("Retry-After") == "" {
				t.Errorf("login %d: %d %v", i, got.Status, got.Header)
			}
		}
	})
	t.Run("LG-09", func(t *testing.T) {
		s := newAttackEnv(t).newGateway(t, func(c *proxy.Config) { limited(c); trustLoopback(c) })
		for i := range 6 {
			got, _ := s.roundTrip(loginRequest(`{"code":"nonsense"}`, fmt.Sprintf("X-Forwarded-For: 2001:db8:1:2::%x", i+1)))
			if limited := got.Status == 429; limited != (i >= 3) {
				t.Errorf("login %d of one /64: %d", i, got.Status)
			}
		}
		if got, _ := s.roundTrip(loginRequest(`{"code":"nonsense"}`, "X-Forwarded-For: 2001:db8:1:3::1")); got.Status != 401 {
			t.Errorf("another /64: %d", got.Status)
		}
		if got, _ := s.roundTrip(loginRequest(`{"code":"`+s.user("ivan").Code()+`"}`, "X-Forwarded-For: 203.0.113.7")); got.Status != 200 {
			t.Errorf("another user at another address: %d %s", got.Status, got.Body)
		}
	})
	t.Run("RL-05", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, withRoutes(&proxy.Route{Name: "edge", Path: "/", Auth: proxy.AuthNone, RateLimit: session.Rate{Count: 10, Per: 2 * time.Second}}))
		passed := 0
		for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if got, _ := s.roundTrip(get("/x")); got.Status == 200 {
				passed++
			}
		}
		if passed < 10 || passed > 10+16+2 {
			t.Errorf("%d passed in three seconds at ten in two", passed)
		}
	})
	t.Run("RL-06", func(t *testing.T) {
		t.Parallel()
		env := newTestEnv(t, envConfig{config: func(c *proxy.Config) { c.Endpoints.LoginPerIP = session.Rate{Count: 3, Per: time.Hour} }})
		env.redis.Stop()
		for i := range 6 {
			if got := env.call("POST", "/auth/login", "", `{"code":"nonsense"}`); (got.Status == 429) != (i >= 3) {
				t.Errorf("login %d without Redis: %d", i, got.Status)
			}
		}
	})
}

func TestEachRequestIsOneLogLine(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("LO-01", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		s.roundTrip(get(`/x%22,%22level%22:%22fatal%22`, "User-Agent: \x1b[31m"[:12]+"x"))
		s.roundTrip(get(`/public/"},{"level":"fatal"}`, `User-Agent: "}{"level":"fatal`, "X: \xff\xfe"))
		s.roundTrip(get("/public/" + strings.Repeat("a", 20000)))
		s.roundTrip(get("/x%0a{%22level%22:%22fatal%22}"))
		for line := range strings.Lines(s.logs.String()) {
			if !strings.HasPrefix(line, `{"level":"`) || strings.HasPrefix(line, `{"level":"fatal"`) || !strings.HasSuffix(line, "}\n") || len(line) > 4096 {
				t.Errorf("log line %.200q of %d bytes", line, len(line))
			}
		}
	})
	t.Run("LO-02", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		for _, lines := range [][]string{{"X-Request-ID: a b"}, {"X-Request-ID: " + strings.Repeat("a", 10000)}, {"X-Request-ID: ../../x"}, {"X-Request-ID: ${jndi:ldap://x}"}, {"X-Request-ID: a", "X-Request-ID: b"},
			{"X-Request-ID: " + strings.Repeat("a", 129)}, {"X-Request-ID:"}, {"X-Request-ID: \xff"}, {"X_Request_ID: oEVIL"}} {
			req := s.expectForwarded(get("/public/x", lines...), "")
			if id := req.headerValues("X-Request-ID"); len(id) != 1 || len(id[0]) != 32 {
				t.Errorf("%.60q: the backend received %q", lines, id)
			}
		}
		if id := s.expectForwarded(get("/public/x", "X-Request-ID: valid_Id-1.2"), "").headerValues("X-Request-ID"); len(id) != 1 || id[0] != "valid_Id-1.2" {
			t.Errorf("a valid id was forwarded as %q", id)
		}
	})
}
