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

// doLimit bounds one Do.
const doLimit = 5 * time.Second

// Do sends one command as a user that may do everything and returns the answer
// as text: an integer in decimal, nil as "", the elements of an array on a line
// each. It opens a connection of its own.
func (s *Server) Do(args ...string) (string, error) {
	conn, err := s.dial()
	if err != nil {
		return "", fmt.Errorf("redistest: %w", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(doLimit)); err != nil {
		return "", fmt.Errorf("redistest: %w", err)
	}
	// One after the other: KeyDB reads a long command before it has answered AUTH, and
	// refuses it.
	r := bufio.NewReader(conn)
	if _, err := ask(conn, r, "AUTH", adminName, adminPassword); err != nil {
		return "", err
	}
	return ask(conn, r, args...)
}

func ask(conn net.Conn, r *bufio.Reader, args ...string) (string, error) {
	if _, err := io.WriteString(conn, command(args...)); err != nil {
		return "", fmt.Errorf("redistest: %w", err)
	}
	text, err := reply(r)
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

func (s *Server) dial() (net.Conn, error) {
	if s.TLSConfig == nil {
		return net.DialTimeout("tcp", s.Addr, doLimit)
	}
	return tls.DialWithDialer(&net.Dialer{Timeout: doLimit}, "tcp", s.Addr, s.TLSConfig)
}

// command writes an array of bulk strings.
func command(args ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	return b.String()
}

// reply reads one answer of RESP version 2.
func reply(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("empty answer")
	}
	kind, rest := line[0], line[1:]
	switch kind {
	case '+', ':':
		return rest, nil
	case '-':
		return "", errors.New(rest)
	case '$':
		return bulk(r, rest)
	case '*':
		return array(r, rest)
	}
	return "", fmt.Errorf("unknown answer %q", line)
}

func bulk(r *bufio.Reader, length string) (string, error) {
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 {
		return "", err
	}
	buf := make([]byte, n+len("\r\n"))
	_, err = io.ReadFull(r, buf)
	return string(buf[:n]), err
}

func array(r *bufio.Reader, length string) (string, error) {
	n, err := strconv.Atoi(length)
	if err != nil {
		return "", err
	}
	var elements []string
	for range n {
		element, err := reply(r)
		if err != nil {
			return "", err
		}
		elements = append(elements, element)
	}
	return strings.Join(elements, "\n"), nil
}
