package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"wxgate/interop/balancers"
)

// probes are header lines that a client sends, and the fields to look for behind the
// balancer.
var probes = []struct {
	name   string
	lines  []string
	expect []string // names in lower case; other fields that arrive aren't shown
}{
	{"`X_Under: 1`", []string{"X_Under: 1"}, []string{"x_under", "x-under"}},
	{"`X.Dot: 1`", []string{"X.Dot: 1"}, []string{"x.dot"}},
	{"`x-lower-CASE: 1`", []string{"x-lower-CASE: 1"}, []string{"x-lower-case"}},
	{"`X-Twice: a`, `X-Twice: b`", []string{"X-Twice: a", "X-Twice: b"}, []string{"x-twice"}},
	{"`Cookie: a=1`, `Cookie: b=2`", []string{"Cookie: a=1", "Cookie: b=2"}, []string{"cookie"}},
	{"`X-Forwarded-For: 203.0.113.9`", []string{"X-Forwarded-For: 203.0.113.9"}, []string{"x-forwarded-for"}},
	{"`X-Forwarded-Proto: http`", []string{"X-Forwarded-Proto: http"}, []string{"x-forwarded-proto"}},
	{"`X-Forwarded-Host: evil.example`", []string{"X-Forwarded-Host: evil.example"}, []string{"x-forwarded-host"}},
	{"`X-Forwarded-Port: 1`", []string{"X-Forwarded-Port: 1"}, []string{"x-forwarded-port"}},
	{"`X-Real-IP: 203.0.113.9`", []string{"X-Real-IP: 203.0.113.9"}, []string{"x-real-ip"}},
	{"`Forwarded: for=203.0.113.9`", []string{"Forwarded: for=203.0.113.9"}, []string{"forwarded"}},
	{"`X-OpenID: me`, `Connection: X-OpenID`", []string{"X-OpenID: me", "Connection: X-OpenID"}, []string{"x-openid"}},
	{"nothing", nil, []string{"via", "x-forwarded-server", "x-forwarded-port", "x-real-ip", "forwarded"}},
}

// headers sends each probe through a balancer to a recorder and returns the lines that
// arrived, by the probe's name.
func (t *trial) headers(ctx context.Context, b balancers.Balancer) (map[string]string, error) {
	recorder, err := newRecorder()
	if err != nil {
		return nil, err
	}
	defer recorder.Close()
	url, err := t.start(ctx, b, twice(recorder.Addr().String()))
	if err != nil {
		return nil, err
	}
	arrived := map[string]string{}
	for _, p := range probes {
		lines, err := t.probe(strings.TrimPrefix(url, "https://"), p.lines)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		arrived[p.name] = matching(lines, p.expect)
	}
	return arrived, nil
}

// probe sends a request with these lines and returns the header lines that arrived.
func (t *trial) probe(address string, lines []string) ([]string, error) {
	dialer := &net.Dialer{Timeout: checkLimit}
	conn, err := tls.DialWithDialer(dialer, "tcp", address, &tls.Config{RootCAs: t.cert.Pool()})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(checkLimit))
	fmt.Fprintf(conn, "GET /probe HTTP/1.1\r\nHost: %s\r\n%s\r\n", address, strings.Join(append(lines, ""), "\r\n"))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		return []string{fmt.Sprintf("refused: %d", res.StatusCode)}, nil
	}
	return strings.Split(strings.TrimSpace(string(body)), "\n"), err
}

// matching returns the lines with these names, for a cell of the table.
func matching(lines, names []string) string {
	if strings.HasPrefix(lines[0], "refused") {
		return lines[0]
	}
	var found []string
	for _, line := range lines {
		name, _, _ := strings.Cut(strings.ToLower(line), ":")
		for _, want := range names {
			if name == want {
				found = append(found, "`"+line+"`")
			}
		}
	}
	if len(found) == 0 {
		return "nothing"
	}
	return strings.Join(found, ", ")
}

// newRecorder starts a server that responds to each request with the bytes of its header
// lines.
func newRecorder() (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go record(conn)
		}
	}()
	return l, nil
}

func record(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		lines, err := readHeaderLines(r)
		if err != nil {
			return
		}
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(lines), lines)
	}
}

// readHeaderLines reads a request's header, with the request line, up to the empty line.
func readHeaderLines(r *bufio.Reader) (string, error) {
	var lines strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", err
		}
		if strings.TrimSpace(line) == "" {
			return lines.String(), nil
		}
		lines.WriteString(strings.TrimRight(line, "\r\n") + "\n")
	}
}
