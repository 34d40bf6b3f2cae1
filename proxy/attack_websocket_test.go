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

// switching makes the backend speak WebSocket: it grants the handshake and
// keeps what comes through the tunnel as a request of its own.
const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

// handshake is a GET /ws as A with other lines in place of the usual ones.
func handshake(lines ...string) string {
	return request(append([]string{"GET /ws HTTP/1.1", "Host: gw.test", "@A"}, lines...)...)
}

func TestWebSocketsAreHeldToTheSameRules(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	row := func(id string, try func(*testing.T, *attackGateway)) {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			s := a.gatewayWith(t, nil)
			s.backend.answers(switching)
			try(t, s)
		})
	}
	const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="

	row("WS-01", func(t *testing.T, s *attackGateway) {
		raw := strings.Replace(ws(), "@A\r\n", "", 1)
		s.denies(raw, 401, "token_missing")
		s.denies(strings.Replace(ws(), "GET /ws", "GET /api/admin/ws", 1), 400, "bad_request")
		s.denies(strings.Replace(ws(), "GET /ws", "GET /api/../ws", 1), 400, "bad_path")
	})
	row("WS-03", func(t *testing.T, s *attackGateway) {
		for _, answer := range []string{
			"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n",
			"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket, foo\r\nConnection: Upgrade\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
		} {
			s.backend.answers(answer)
			if got, c := s.ask(ws()); got.Status != 502 || got.Code() != "upstream_error" || !c.closed() {
				t.Errorf("%q: %d %s", answer, got.Status, got.Code())
			}
		}
		s.backend.answers(switching)
		if got, _ := s.ask(api()); got.Status != 502 {
			t.Errorf("a switch that nobody asked for: %d", got.Status)
		}
		s.backend.forget()
		s.othersUnharmed()
	})
	row("WS-04", func(t *testing.T, s *attackGateway) {
		early := "GET /api/admin/secret HTTP/1.1\r\nHost: gw.test\r\nX-OpenID: oEVIL\r\n\r\n"
		c := s.dial()
		c.send(ws() + early)
		if got, err := c.next("GET"); err != nil || got.Status != 101 {
			t.Fatalf("%d, %v", got.Status, err)
		}
		testkit.Within(t, 2*time.Second, "the early bytes are in the tunnel, as they are", func() bool {
			got := s.backend.requests()
			return len(got) == 2 && string(got[1]) == early && !strings.Contains(string(got[0]), "secret")
		})
		c.conn.Close()
		s.backend.forget()
		for _, refused := range []string{strings.Replace(ws(), "@A\r\n", "", 1), strings.Replace(ws(), "GET /ws", "GET /sse", 1)} {
			c := s.dial()
			c.send(refused + strings.Replace(early, "X-OpenID: oEVIL", "@ADM", 1))
			if got, err := c.next("GET"); err != nil || got.Status < 400 || !c.closed() {
				t.Errorf("%d, %v, and what was sent ahead got an answer", got.Status, err)
			}
			s.untouched(refused)
		}
		s.backend.answers("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
		c = s.dial()
		c.send(ws() + strings.Replace(early, "X-OpenID: oEVIL", "@ADM", 1))
		if got, err := c.next("GET"); err != nil || got.Status != 403 || !c.closed() {
			t.Errorf("the backend's no: %d, %v", got.Status, err)
		}
		if got := s.backend.requests(); len(got) != 1 {
			t.Errorf("the backend was sent %q", got)
		}
	})
	row("WS-06", func(t *testing.T, s *attackGateway) {
		for _, lines := range [][]string{
			{"Connection: keep-alive, Upgrade", "Upgrade: websocket", key, "Sec-WebSocket-Version: 13"}, {"connection: upgrade", "upgrade: WebSocket", key, "Sec-WebSocket-Version: 13"},
			{"Connection: keep-alive", "Connection: Upgrade", "Upgrade: websocket", key, "Sec-WebSocket-Version: 13"},
		} {
			if got, c := s.ask(handshake(lines...)); got.Status != 101 || got.Header.Get("Upgrade") != "websocket" {
				t.Errorf("%q: %d", lines, got.Status)
			} else {
				c.conn.Close()
			}
		}
		s.backend.forget()
		for _, raw := range []string{
			strings.Replace(ws(), "GET /ws", "POST /ws", 1), strings.Replace(ws(), "HTTP/1.1", "HTTP/1.0", 1), ws("Content-Length: 5") + "hello", ws("Transfer-Encoding: chunked") + chunkedBody,
			strings.Replace(ws(), key+"\r\n", "", 1), ws(key), ws("Upgrade: h2c"), strings.Replace(ws(), "GET /ws", "GET /sse", 1),
		} {
			s.refuses(raw)
		}
	})
	row("WS-07", func(t *testing.T, s *attackGateway) {
		// Without the token, which no browser adds by itself, the origin is no matter.
		s.denies(strings.Replace(ws("Origin: https://evil.test", "Cookie: token=@T_A"), "@A\r\n", "", 1), 401, "token_missing")
		if got, c := s.ask(ws("Referer: https://servicewechat.com/" + appID + "/1/page-frame.html")); got.Status != 101 {
			t.Errorf("a mini program: %d", got.Status)
		} else {
			c.conn.Close()
		}
	})
	row("WS-12", func(t *testing.T, s *attackGateway) {
		c := s.dial()
		c.send(ws())
		if got, err := c.next("GET"); err != nil || got.Status != 101 {
			t.Fatalf("%d, %v", got.Status, err)
		}
		testkit.Must(t, c.conn.(*net.TCPConn).CloseWrite())
		if !c.closed() { // the backend ends when its client has
			t.Error("the tunnel stayed open")
		}
	})
	row("WS-09", func(t *testing.T, s *attackGateway) {
		var open []*rawConn
		for range 20 {
			c := s.dial()
			c.send(ws())
			if got, err := c.next("GET"); err != nil || got.Status != 101 {
				t.Fatalf("%d, %v", got.Status, err)
			}
			open = append(open, c)
		}
		c := attackConfig()
		c.Routes = c.Routes[:1]
		c.Routes[0].Cookies = proxy.CookiesPass
		s.gateway.Configure(c)
		s.backend.forget()
		for _, c := range open {
			c.send("GET /through HTTP/1.1\r\nHost: x\r\n\r\n")
		}
		testkit.Within(t, 2*time.Second, "all tunnels carry on", func() bool { return len(s.backend.requests()) == len(open) })
	})
	t.Run("CR-10", func(t *testing.T) {
		t.Parallel()
		s := a.gatewayWith(t, func(c *proxy.Config) {
			for _, rt := range c.Routes {
				rt.Cookies, rt.CookieJarID = proxy.CookiesJar, "b"
			}
		})
		for _, answer := range []string{strings.Replace(switching, "Upgrade: websocket", "Set-Cookie: sid=theirs\r\nX-Session-Token: stolen\r\nUpgrade: websocket", 1)} {
			s.backend.answers(answer)
			if got, _ := s.ask(ws()); got.Status != 101 || len(got.Header["Set-Cookie"]) != 0 || len(got.Header["X-Session-Token"]) != 0 {
				t.Errorf("%d %v", got.Status, got.Header)
			}
		}
		for _, hint := range []string{"HTTP/1.1 103 Early Hints\r\nSet-Cookie: sid=theirs\r\nX-Session-Token: stolen\r\nX-OpenID: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\nTrailer: Set-Cookie\r\n\r\n"} {
			s.backend.answers(hint)
			for range 2 {
				c := s.dial()
				c.send(api())
				got, err := c.next("GET")
				if err != nil || len(got.Header["Set-Cookie"])+len(got.Header["X-Session-Token"])+len(got.Header["X-Openid"]) != 0 {
					t.Errorf("%d %v, %v", got.Status, got.Header, err)
				}
			}
		}
		s.backend.replies(nil)
		s.backend.forget()
		if q := s.passes(api("Cookie: sid=mine"), a.openA); strings.Contains(string(q), "mine") || !strings.Contains(string(q), "sid=theirs") {
			t.Errorf("the jar holds %q", q.named("Cookie"))
		}
	})
}

// A peer that does not read costs the gateway its buffers and no more: the
// backend is held up, WS-10 and H2-13.
func TestSlowReadersHoldTheBackendUp(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	t.Run("WS-10", func(t *testing.T) {
		t.Parallel()
		s := a.gatewayWith(t, nil)
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
		c := attackConfig()
		c.Routes = []*proxy.Route{{Name: "ws", Path: "/ws", Auth: proxy.AuthRequired, WebSocket: true, Cookies: proxy.CookiesPass, Upstream: plainGroup(t, ln.Addr().String())}}
		s.gateway.Configure(c)
		before := memory()
		conn := s.dial()
		conn.send(ws())
		if n := <-wrote; n > 64<<20 {
			t.Errorf("the backend got rid of %d MiB that nobody read", n>>20)
		}
		if grown := memory() - before; grown > 256<<20 {
			t.Errorf("memory grew by %d MiB", grown>>20)
		}
	})
}
