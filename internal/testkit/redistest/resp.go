package redistest

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// doLimit is the time limit of one Do.
const doLimit = 5 * time.Second

// Do sends one command, as a user with all permissions and on a new connection. It
// returns the reply as text: an integer in decimal, nil as "", the elements of an
// array on one line each.
func (s *Server) Do(args ...string) (string, error) {
	conn, err := s.dial()
	if err != nil {
		return "", fmt.Errorf("redistest: %w", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(doLimit)); err != nil {
		return "", fmt.Errorf("redistest: %w", err)
	}
	// The two commands aren't pipelined: KeyDB reads a long command before it has
	// replied to AUTH, and refuses it.
	r := bufio.NewReader(conn)
	if _, err := roundTrip(conn, r, "AUTH", adminName, adminPassword); err != nil {
		return "", err
	}
	return roundTrip(conn, r, args...)
}

func roundTrip(conn net.Conn, r *bufio.Reader, args ...string) (string, error) {
	if _, err := io.WriteString(conn, encodeCommand(args...)); err != nil {
		return "", fmt.Errorf("redistest: %w", err)
	}
	text, err := readReply(r)
	if err != nil {
		return "", fmt.Errorf("redistest: %s: %w", args[0], err)
	}
	return text, nil
}

// MustDo is Do for commands that can't fail in the test.
func (s *Server) MustDo(args ...string) string {
	s.t.Helper()
	text, err := s.Do(args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// checkReply returns an error unless the reply to the command contains want.
func (s *Server) checkReply(command, want string) error {
	text, err := s.Do(strings.Fields(command)...)
	if err != nil {
		return err
	}
	if !strings.Contains(text, want) {
		return fmt.Errorf("%s: the reply to %s lacks %q:\n%s", s.Addr, command, want, text)
	}
	return nil
}

func (s *Server) dial() (net.Conn, error) {
	if s.TLSConfig == nil {
		return net.DialTimeout("tcp", s.Addr, doLimit)
	}
	return tls.DialWithDialer(&net.Dialer{Timeout: doLimit}, "tcp", s.Addr, s.TLSConfig)
}

// encodeCommand encodes a command as an array of bulk strings.
func encodeCommand(args ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	return b.String()
}

// readReply reads one reply of RESP version 2.
func readReply(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("empty reply")
	}
	kind, rest := line[0], line[1:]
	switch kind {
	case '+', ':':
		return rest, nil
	case '-':
		return "", errors.New(rest)
	case '$':
		return readBulk(r, rest)
	case '*':
		return readArray(r, rest)
	}
	return "", fmt.Errorf("unknown reply %q", line)
}

func readBulk(r *bufio.Reader, length string) (string, error) {
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 {
		return "", err
	}
	buf := make([]byte, n+len("\r\n"))
	_, err = io.ReadFull(r, buf)
	return string(buf[:n]), err
}

func readArray(r *bufio.Reader, length string) (string, error) {
	n, err := strconv.Atoi(length)
	if err != nil {
		return "", err
	}
	var elements []string
	for range n {
		element, err := readReply(r)
		if err != nil {
			return "", err
		}
		elements = append(elements, element)
	}
	return strings.Join(elements, "\n"), nil
}
