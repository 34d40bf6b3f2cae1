package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"wxgate/internal/testkit"
	"wxgate/proxy"
	"wxgate/proxy/upstream"
)

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

func TestWebSocketHeadersAreSpelledAsInRFC6455(t *testing.T) {
	t.Parallel()
	a := newAttackEnv(t)
	s := a.newGateway(t, nil)
	s.backend.respondWith("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nsec-websocket-accept: x\r\nsec-websocket-protocol: chat\r\n\r\n")
	c := s.dial()
	c.send(request("GET /ws HTTP/1.1", "Host: gw.test", "@A", "Connection: Upgrade", "Upgrade: websocket", "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
		"SEC-WEBSOCKET-VERSION: 13", "sec-websocket-protocol: chat", "sec-websocket-extensions: x"))
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		line, err := c.r.ReadString('\n')
		testkit.Must(t, err)
		head.WriteString(line)
	}
	for where, raw := range map[string]string{"client": head.String(), "backend": string(s.backend.requests()[0])} {
		names := []string{"\r\nSec-WebSocket-Protocol: chat\r\n"}
		if where == "client" {
			names = append(names, "\r\nSec-WebSocket-Accept: x\r\n")
		} else {
			names = append(names, "\r\nSec-WebSocket-Key: ", "\r\nSec-WebSocket-Version: 13\r\n", "\r\nSec-WebSocket-Extensions: x\r\n")
		}
		for _, name := range names {
			if !strings.Contains(raw, name) {
				t.Errorf("the %s did not receive %q:\n%s", where, name, raw)
			}
		}
	}
	s.backend.respondWith("HTTP/1.1 426 Upgrade Required\r\nsec-websocket-version: 13\r\nContent-Length: 0\r\n\r\n")
	refused := s.dial()
	refused.send(ws("Sec-WebSocket-Version: 12"))
	if line, err := refused.r.ReadString('\n'); err != nil || !strings.Contains(line, "426") {
		t.Fatalf("%q, %v", line, err)
	}
	rest, _ := refused.r.Peek(refused.r.Buffered())
	if !strings.Contains("\r\n"+string(rest), "\r\nSec-WebSocket-Version: 13\r\n") { // the first field has no line before it in rest
		t.Errorf("the refusal has %q", rest)
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
