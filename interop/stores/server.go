package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"

	"wxgate/internal/testkit"
)

// serveChecked runs a redis-server on another port and a proxy that checks scripts on the
// port of the configuration. For servers that connect to each other (clusters, sentinels,
// replicas) and for those with TLS this program executes the real server instead.
func serveChecked(args []string) {
	conf := configuration(args, `cluster-enabled|replicaof|sentinel|tls-port`)
	l := conf.listen()
	real, server := conf.serverOnOtherPort()
	go accept(l, func(client net.Conn) { relay(client, real) })
	must(server.Run())
}

// conf is a redis.conf.
type conf struct{ file, text, portLine, port string }

// configuration reads redis.conf. When the file has one of the directives, or not the
// expected form, this program executes the real server.
func configuration(args []string, directives string) conf {
	raw, err := os.ReadFile(args[0])
	must(err)
	port := regexp.MustCompile(`(?m)^port (\d+)$`).FindStringSubmatch(string(raw))
	if len(args) != 1 || port == nil || regexp.MustCompile(`(?m)^(`+directives+`)`).Match(raw) {
		execServer(args)
	}
	return conf{file: args[0], text: string(raw), portLine: port[0], port: port[1]}
}

func (c conf) listen() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:"+c.port)
	if err != nil {
		fmt.Println("Address already in use") // as the real server prints it
		os.Exit(1)
	}
	return l
}

// serverOnOtherPort returns the command that runs the real server on another port, and its
// address.
func (c conf) serverOnOtherPort() (address string, server *exec.Cmd) {
	port, err := testkit.ReservePort()
	must(err)
	text := strings.Replace(c.text, c.portLine, fmt.Sprintf("port %d", port.Number), 1)
	must(os.WriteFile(c.file+".real", []byte(text), 0o600))
	server = exec.Command(os.Getenv(realServer), c.file+".real")
	server.Stdout, server.Stderr = os.Stdout, os.Stderr
	return port.Addr(), server
}

// execServer replaces this process with the real server, so that the server gets the
// signals that are sent to this process.
func execServer(args []string) {
	must(syscall.Exec(os.Getenv(realServer), append([]string{"redis-server"}, args...), os.Environ()))
}

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func accept(l net.Listener, serve func(client net.Conn)) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go serve(conn)
	}
}

// relay forwards commands unchanged. Instead of a refused command it sends one to which
// Redis replies with the error, so that replies keep their order.
func relay(client net.Conn, address string) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(client, server)
		client.Close()
	}()
	r := bufio.NewReader(client)
	for {
		raw, args, err := readCommand(r)
		if err != nil {
			return
		}
		if why := refusal(args); why != "" {
			raw = errorCommand(why)
		}
		if _, err := server.Write(raw); err != nil {
			return
		}
	}
}

// errorCommand encodes a command to which Redis replies with this error.
func errorCommand(text string) []byte {
	var b strings.Builder
	words := []string{"EVAL", "return redis.error_reply(ARGV[1])", "0", text}
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	return []byte(b.String())
}

// readCommand reads a command, which is an array of bulk strings, and returns its bytes too.
func readCommand(r *bufio.Reader) (raw []byte, args []string, err error) {
	line := func() (n int, err error) {
		text, err := r.ReadString('\n')
		raw = append(raw, text...)
		if err == nil {
			_, err = fmt.Sscan(text[1:], &n)
		}
		return n, err
	}
	count, err := line()
	for ; err == nil && len(args) < count; err = nil {
		n, err := line()
		if err != nil {
			return nil, nil, err
		}
		word := make([]byte, n+2)
		if _, err := io.ReadFull(r, word); err != nil {
			return nil, nil, err
		}
		raw, args = append(raw, word...), append(args, string(word[:n]))
	}
	return raw, args, err
}
