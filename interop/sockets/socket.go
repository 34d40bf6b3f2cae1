package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// socket is a client's WebSocket.
type socket struct {
	net.Conn
	r *bufio.Reader
}

func open(ctx context.Context, address, token string) (*socket, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	s := &socket{conn, bufio.NewReaderSize(conn, 512)}
	if err := s.handshake(address, token); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

func (s *socket) handshake(address, token string) error {
	_ = s.SetDeadline(time.Now().Add(30 * time.Second))
	_, err := fmt.Fprintf(s, "GET /api/socket HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", address, token)
	if err != nil {
		return err
	}
	res, err := http.ReadResponse(s.r, nil)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("the response to the handshake has status %s", res.Status)
	}
	return s.SetDeadline(time.Time{})
}

// frame is a text frame with "ping", masked with zeros.
const frame = "\x81\x84\x00\x00\x00\x00ping"

// echoes sends a frame and waits for the same bytes to come back.
func (s *socket) echoes() bool {
	_ = s.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(s, frame); err != nil {
		return false
	}
	echo := make([]byte, len(frame))
	_, err := io.ReadFull(s.r, echo)
	return err == nil && string(echo) == frame
}
