package proxy_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/proxy"
)

// switching is the response of a backend that accepts the handshake. The recorder records
// what arrives through the tunnel as a request of its own.
const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

// handshake is a GET of /ws as user A with these header lines only.
func handshake(lines ...string) string {
	return request(append([]string{"GET /ws HTTP/1.1", "Host: gw.test", "@A"}, lines...)...)
}

// webSocketRow runs one row of docs/attacks.md on a gateway whose backend accepts the
// handshake.
func (a *attackEnv) webSocketRow(t *testing.T, id string, check func(*testing.T, *attackGateway)) {
	t.Run(id, func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		s.backend.respondWith(switching)
		check(t, s)
	})
}

func TestWebSocketHandshakesFollowTheSameRules(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
	a.webSocketRow(t, "WS-01", func(t *testing.T, s *attackGateway) {
		raw := strings.Replace(ws(), "@A\r\n", "", 1)
		s.expectError(raw, 401, "token_missing")
		s.expectError(strings.Replace(ws(), "GET /ws", "GET /api/admin/ws", 1), 400, "bad_request")
		s.expectError(strings.Replace(ws(), "GET /ws", "GET /api/../ws", 1), 400, "bad_path")
	})
	a.webSocketRow(t, "WS-06", func(t *testing.T, s *attackGateway) {
		for _, lines := range [][]string{
			{"Connection: keep-alive, Upgrade", "Upgrade: websocket", key, "Sec-WebSocket-Version: 13"}, {"connection: upgrade", "upgrade: WebSocket", key, "Sec-WebSocket-Version: 13"},
			{"Connection: keep-alive", "Connection: Upgrade", "Upgrade: websocket", key, "Sec-WebSocket-Version: 13"},
		} {
			if got, c := s.roundTrip(handshake(lines...)); got.Status != 101 || got.Header.Get("Upgrade") != "websocket" {
				t.Errorf("%q: %d", lines, got.Status)
			} else {
				c.conn.Close()
			}
		}
		s.backend.reset()
		for _, raw := range []string{
			strings.Replace(ws(), "GET /ws", "POST /ws", 1), strings.Replace(ws(), "HTTP/1.1", "HTTP/1.0", 1), ws("Content-Length: 5") + "hello", ws("Transfer-Encoding: chunked") + chunkedBody,
			strings.Replace(ws(), key+"\r\n", "", 1), ws(key), ws("Upgrade: h2c"), strings.Replace(ws(), "GET /ws", "GET /sse", 1),
		} {
			s.expectRefused(raw)
		}
	})
	a.webSocketRow(t, "WS-07", func(t *testing.T, s *attackGateway) {
		// A browser does not add the token by itself, so that the origin is not checked.
		s.expectError(strings.Replace(ws("Origin: https://evil.test", "Cookie: token=@T_A"), "@A\r\n", "", 1), 401, "token_missing")
		if got, c := s.roundTrip(ws("Referer: https://servicewechat.com/" + appID + "/1/page-frame.html")); got.Status != 101 {
			t.Errorf("a mini program: %d", got.Status)
		} else {
			c.conn.Close()
		}
	})
}

func TestSwitchingProtocolsIsValidated(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	a.webSocketRow(t, "WS-03", func(t *testing.T, s *attackGateway) {
		for _, response := range []string{
			"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n",
			"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket, foo\r\nConnection: Upgrade\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
		} {
			s.backend.respondWith(response)
			if got, c := s.roundTrip(ws()); got.Status != 502 || got.Code() != "upstream_error" || !c.closed() {
				t.Errorf("%q: %d %s", response, got.Status, got.Code())
			}
		}
		s.backend.respondWith(switching)
		if got, _ := s.roundTrip(api()); got.Status != 502 {
			t.Errorf("an unrequested switch: %d", got.Status)
		}
		s.backend.reset()
		s.checkOtherClientsAndReset()
	})
	t.Run("CR-10", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, func(c *proxy.Config) {
			for _, rt := range c.Routes {
				rt.Cookies, rt.CookieJarID = proxy.CookiesJar, "b"
			}
		})
		s.backend.respondWith(strings.Replace(switching, "Upgrade: websocket", "Set-Cookie: sid=theirs\r\nX-Session-Token: stolen\r\nUpgrade: websocket", 1))
		if got, _ := s.roundTrip(ws()); got.Status != 101 || len(got.Header["Set-Cookie"]) != 0 || len(got.Header["X-Session-Token"]) != 0 {
			t.Errorf("%d %v", got.Status, got.Header)
		}
		for _, hint := range []string{"HTTP/1.1 103 Early Hints\r\nSet-Cookie: sid=theirs\r\nX-Session-Token: stolen\r\nX-OpenID: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\nTrailer: Set-Cookie\r\n\r\n"} {
			s.backend.respondWith(hint)
			for range 2 {
				c := s.dial()
				c.send(api())
				got, err := c.readResponse("GET")
				if err != nil || len(got.Header["Set-Cookie"])+len(got.Header["X-Session-Token"])+len(got.Header["X-Openid"]) != 0 {
					t.Errorf("%d %v, %v", got.Status, got.Header, err)
				}
			}
		}
		s.backend.respondFunc(nil)
		s.backend.reset()
		if req := s.expectForwarded(api("Cookie: sid=mine"), a.openA); strings.Contains(string(req), "mine") || !strings.Contains(string(req), "sid=theirs") {
			t.Errorf("the cookie jar sent %q", req.headerValues("Cookie"))
		}
	})
}

func TestBytesSentAheadOfTheHandshakeResponse(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	a.webSocketRow(t, "WS-04", func(t *testing.T, s *attackGateway) {
		early := "GET /api/admin/secret HTTP/1.1\r\nHost: gw.test\r\nX-OpenID: oEVIL\r\n\r\n"
		c := s.dial()
		c.send(ws() + early)
		if got, err := c.readResponse("GET"); err != nil || got.Status != 101 {
			t.Fatalf("%d, %v", got.Status, err)
		}
		testkit.Within(t, 2*time.Second, "the early bytes are in the tunnel, unchanged", func() bool {
			got := s.backend.requests()
			return len(got) == 2 && string(got[1]) == early && !strings.Contains(string(got[0]), "secret")
		})
		c.conn.Close()
		s.backend.reset()
		for _, refused := range []string{strings.Replace(ws(), "@A\r\n", "", 1), strings.Replace(ws(), "GET /ws", "GET /sse", 1)} {
			c := s.dial()
			c.send(refused + strings.Replace(early, "X-OpenID: oEVIL", "@ADM", 1))
			if got, err := c.readResponse("GET"); err != nil || got.Status < 400 || !c.closed() {
				t.Errorf("%d, %v, and the early bytes got a response", got.Status, err)
			}
			s.expectNotForwarded(refused)
		}
		s.backend.respondWith("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
		c = s.dial()
		c.send(ws() + strings.Replace(early, "X-OpenID: oEVIL", "@ADM", 1))
		if got, err := c.readResponse("GET"); err != nil || got.Status != 403 || !c.closed() {
			t.Errorf("the backend's refusal: %d, %v", got.Status, err)
		}
		if got := s.backend.requests(); len(got) != 1 {
			t.Errorf("the backend received %q", got)
		}
	})
}

func TestTunnelsFollowTheirClientAndSurviveAReload(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	a.webSocketRow(t, "WS-12", func(t *testing.T, s *attackGateway) {
		c := s.dial()
		c.send(ws())
		if got, err := c.readResponse("GET"); err != nil || got.Status != 101 {
			t.Fatalf("%d, %v", got.Status, err)
		}
		testkit.Must(t, c.conn.(*net.TCPConn).CloseWrite())
		if !c.closed() { // the backend closes when its client has closed
			t.Error("the tunnel stayed open")
		}
	})
	a.webSocketRow(t, "WS-09", func(t *testing.T, s *attackGateway) {
		var open []*rawConn
		for range 20 {
			c := s.dial()
			c.send(ws())
			if got, err := c.readResponse("GET"); err != nil || got.Status != 101 {
				t.Fatalf("%d, %v", got.Status, err)
			}
			open = append(open, c)
		}
		s.setRoutes(defaultRoutes()[0])
		s.backend.reset()
		for _, c := range open {
			c.send("GET /through HTTP/1.1\r\nHost: x\r\n\r\n")
		}
		testkit.Within(t, 2*time.Second, "all tunnels still forward", func() bool { return len(s.backend.requests()) == len(open) })
	})
}

// For a client that does not read, the gateway buffers a limited amount and stops reading
// from the backend (WS-10, H2-13).
func TestSlowReadersApplyBackpressure(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("WS-10", func(t *testing.T) {
		t.Parallel()
		s := a.newGateway(t, nil)
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		testkit.Must(t, err)
		defer ln.Close()
		wrote := make(chan int64, 1)
		go func() {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			_, _ = c.Read(make([]byte, 4096))
			_ = c.SetWriteDeadline(time.Now().Add(2 * time.Second))
			_, _ = io.WriteString(c, switching)
			n, _ := io.Copy(c, io.LimitReader(zeros{}, 1<<30))
			wrote <- n
		}()
		s.setRoutes(&proxy.Route{Name: "ws", Path: "/ws", Auth: proxy.AuthRequired, WebSocket: true, Upstream: plainGroup(t, ln.Addr().String())})
		before := heapBytes()
		conn := s.dial()
		conn.send(ws())
		if n := <-wrote; n > 64<<20 {
			t.Errorf("the backend could send %d MiB that the client did not read", n>>20)
		}
		if grown := heapBytes() - before; grown > 256<<20 {
			t.Errorf("memory grew by %d MiB", grown>>20)
		}
	})
}
