package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/internal/testkit"
)

// socket is an open WebSocket through the gateway. The test sends bytes, not frames: the
// gateway copies them unchanged.
type socket struct {
	conn   net.Conn
	read   *bufio.Reader
	closed chan struct{} // closed with the connection
	echoed chan byte
}

func (i *instance) openSocket(token string) *socket {
	i.env.t.Helper()
	address := strings.TrimPrefix(i.public, "http://")
	conn, err := net.Dial("tcp", address)
	testkit.Must(i.env.t, err)
	i.env.t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET /api/socket HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", address, token)
	s := &socket{conn: conn, read: bufio.NewReader(conn), closed: make(chan struct{}), echoed: make(chan byte, 100)}
	res, err := http.ReadResponse(s.read, nil)
	testkit.Must(i.env.t, err)
	if res.StatusCode != http.StatusSwitchingProtocols {
		i.env.t.Fatalf("the socket's handshake got %d", res.StatusCode)
	}
	go s.readAll()
	return s
}

func (s *socket) readAll() {
	defer close(s.closed)
	for {
		b, err := s.read.ReadByte()
		if err != nil {
			return
		}
		s.echoed <- b
	}
}

// echoes reports whether a byte is echoed through the socket.
func (s *socket) echoes() bool {
	if _, err := io.WriteString(s.conn, "x"); err != nil {
		return false
	}
	select {
	case <-s.echoed:
		return true
	case <-s.closed:
		return false
	case <-time.After(10 * time.Second):
		return false
	}
}

func (s *socket) isClosed() bool { return isClosed(s.closed) }

// events is an open event stream through the gateway.
type events struct {
	count  atomic.Int64
	closed chan struct{}
}

func (i *instance) openEvents(token string) *events {
	i.env.t.Helper()
	req, err := http.NewRequest("GET", i.public+"/api/events", nil)
	testkit.Must(i.env.t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := (&http.Client{Transport: i.client.Transport}).Do(req)
	testkit.Must(i.env.t, err)
	if res.StatusCode != http.StatusOK {
		i.env.t.Fatalf("the event stream got %d", res.StatusCode)
	}
	i.env.t.Cleanup(func() { res.Body.Close() })
	e := &events{closed: make(chan struct{})}
	go func() {
		defer close(e.closed)
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			e.count.Add(1)
		}
	}()
	return e
}

// awaitMore waits for further events.
func (e *events) awaitMore(t *testing.T) {
	t.Helper()
	from := e.count.Load()
	testkit.Eventually(t, "further events", func() bool { return e.count.Load() > from+3 })
}

func (e *events) isClosed() bool { return isClosed(e.closed) }

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
