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

// predixyProgram is the environment variable with the path of the proxy's program.
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

// servePredixy runs a redis-server behind predixy. Connections of redistest itself bypass
// the proxy. A server with passwords or users runs without the proxy, since predixy has its
// own.
func servePredixy(args []string) {
	conf := configuration(args, `cluster-enabled|replicaof|sentinel|tls-port|requirepass|user gate|user default`)
	l := conf.listen()
	real, server := conf.serverOnOtherPort()
	proxy, err := testkit.ReservePort()
	must(err)
	file := filepath.Join(filepath.Dir(conf.file), "predixy.conf")
	must(os.WriteFile(file, fmt.Appendf(nil, predixyConfig, proxy.Addr(), real), 0o600))
	predixy := exec.Command(os.Getenv(predixyProgram), file)
	predixy.Stderr = os.Stderr
	must(server.Start())
	for !listens(real) { // predixy waits some time before it tries an unreachable server again
		time.Sleep(5 * time.Millisecond)
	}
	must(predixy.Start())
	go accept(l, func(client net.Conn) { forward(client, real, proxy.Addr()) })
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

// forward connects a client whose first command authenticates as redistest with the real
// server, and any other client with the proxy.
func forward(client net.Conn, real, proxy string) {
	defer client.Close()
	raw, args, err := readCommand(bufio.NewReaderSize(byteReader{client}, 16))
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

// byteReader reads one byte at a time, so that a buffer around it holds no byte behind the
// command.
type byteReader struct{ net.Conn }

func (c byteReader) Read(p []byte) (int, error) { return c.Conn.Read(p[:1]) }
