package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"wxgate/internal/testkit"
)

// predixyProgram names the proxy's program.
const predixyProgram = "WXGATE_INTEROP_PREDIXY"

const predixyConfig = `Name interop
Bind %s
WorkerThreads 1
ClientTimeout 0
Authority {
    Auth {
        Mode write
    }
}
StandaloneServerPool {
    Databases 16
    RefreshMethod fixed
    ServerTimeout 5
    Group main {
        + %s
    }
}
`

// servePredixy is a redis-server behind predixy. The tests' own access goes past the proxy.
// Servers with passwords and users are left alone, since predixy has its own.
func servePredixy(args []string) {
	conf := configuration(args, `cluster-enabled|replicaof|sentinel|tls-port|requirepass|user gate|user default`)
	l := conf.listen()
	real, server := conf.elsewhere()
	proxy, err := testkit.ReservePort()
	must(err)
	file := filepath.Join(filepath.Dir(conf.file), "predixy.conf")
	must(os.WriteFile(file, fmt.Appendf(nil, predixyConfig, proxy.Addr(), real), 0o600))
	predixy := exec.Command(os.Getenv(predixyProgram), file)
	predixy.Stderr = os.Stderr
	must(server.Start())
	for !listens(real) { // a server that isn't there at first is left alone for a while
		time.Sleep(5 * time.Millisecond)
	}
	must(predixy.Start())
	go accept(l, func(client net.Conn) { choose(client, real, proxy.Addr()) })
	must(server.Wait())
	os.Exit(0)
}

func listens(address string) bool {
	conn, err := net.Dial("tcp", address)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// choose connects a client that begins as the tests do with the real server, any other
// with the proxy.
func choose(client net.Conn, real, proxy string) {
	defer client.Close()
	raw, args, err := readCommand(bufio.NewReaderSize(oneByOne{client}, 16))
	if err != nil {
		return
	}
	address := proxy
	if len(args) == 3 && strings.EqualFold(args[0], "AUTH") && args[1] == "redistest" {
		address = real
	}
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	if _, err := server.Write(raw); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(client, server)
		client.Close()
	}()
	_, _ = io.Copy(server, client)
}

// oneByOne reads no further than it is asked to, so that nothing stays in a buffer.
type oneByOne struct{ net.Conn }

func (c oneByOne) Read(p []byte) (int, error) { return c.Conn.Read(p[:1]) }
