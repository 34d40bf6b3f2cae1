package session

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"wxgate/internal/testkit/redistest"
)

// limitedProxy passes each command on to Redis but those that it doesn't know,
// on which it closes the connection, as twemproxy does, or answers an error.
func limitedProxy(t *testing.T, server *redistest.Server, unknown, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go serveLimited(client, server.Addr, unknown, answer)
		}
	}()
	return l.Addr().String()
}

func serveLimited(client net.Conn, addr, unknown, answer string) {
	defer client.Close()
	redis, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer redis.Close()
	go io.Copy(client, redis)
	commands := bufio.NewReader(client)
	for {
		name, raw, err := readCommand(commands)
		if err != nil {
			return
		}
		if strings.Contains(unknown, name) {
			if answer == "" {
				return
			}
			_, _ = io.WriteString(client, answer)
			continue
		}
		if _, err := io.WriteString(redis, raw); err != nil {
			return
		}
	}
}

// readCommand reads one RESP array of bulk strings.
func readCommand(r *bufio.Reader) (name, raw string, err error) {
	line, err := r.ReadString('\n')
	if err != nil || line[0] != '*' {
		return "", "", errors.Join(err, errUnexpectedReply)
	}
	raw = line
	n, _ := strconv.Atoi(strings.TrimSpace(line[1:]))
	for i := range n {
		header, err := r.ReadString('\n')
		if err != nil {
			return "", "", err
		}
		size, _ := strconv.Atoi(strings.TrimSpace(header[1:]))
		body := make([]byte, size+2)
		if _, err := io.ReadFull(r, body); err != nil {
			return "", "", err
		}
		if i == 0 {
			name = strings.ToUpper(string(body[:size]))
		}
		raw += header + string(body)
	}
	return name, raw, nil
}

func TestDiagnoseTellsAProxyThatCantWork(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for name, c := range map[string]struct{ unknown, answer, step string }{
		"closes on EVAL":       {"EVAL EVALSHA", "", "EVAL"},
		"doesn't know EVAL":    {"EVAL EVALSHA", "-ERR unknown command 'EVAL'\r\n", "EVAL"},
		"closes on SUBSCRIBE":  {"SUBSCRIBE", "", "SUBSCRIBE"},
		"doesn't know PUBLISH": {"PUBLISH", "-ERR unsupported command\r\n", "PUBLISH"},
	} {
		err := Diagnose(t.Context(), RedisConfig{Addrs: []string{limitedProxy(t, server, c.unknown, c.answer)}, KeyPrefix: "test:"})
		if !errors.Is(err, ErrProxy) || !strings.HasPrefix(err.Error(), c.step) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDiagnoseBlamesNoProxyForOtherFaults(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*redistest.Server{
		"fine":      redistest.Start(t),
		"no rights": redistest.Options{Users: []string{"default on nopass ~* &* -@all +get"}}.Start(t),
		"password":  redistest.Options{Password: "secret"}.Start(t),
	} {
		err := Diagnose(t.Context(), RedisConfig{Addrs: []string{s.Addr}, KeyPrefix: "test:"})
		if errors.Is(err, ErrProxy) || (err == nil) != (name == "fine") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Diagnose(t.Context(), RedisConfig{}); err != nil {
		t.Error(err)
	}
}
