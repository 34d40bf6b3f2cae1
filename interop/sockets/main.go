// Command sockets measures the memory of idle WebSockets in the gateway's process: it
// opens up to 10,000 through a gateway, as a user who is logged in. Client, gateway and
// backend are separate processes.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"wxgate/interop/rig"
)

const (
	maxSockets         = 10000
	maxBytesPerSocket  = 13 << 10 // of the gateway's resident memory, for an idle WebSocket
	otherDescriptors   = 200      // that a process needs besides those of the sockets
	parallelHandshakes = 64
	idleTime           = 5 * time.Second // before the memory is measured
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "backend" {
		serveEcho()
		return
	}
	rig.Main(3*time.Minute, run)
}

func run(ctx context.Context, r *rig.Rig) error {
	count, err := socketCount()
	if err != nil {
		return err
	}
	backend, err := r.StartSelf("backend", "backend")
	if err != nil {
		return err
	}
	address, err := backend.Printed(ctx, `listening on (\S+)\n`)
	if err != nil {
		return err
	}
	g, err := r.Gateway(ctx, fmt.Sprintf("routes: [{path: /api/, upstreams: [%q]}]", "http://"+address), nil)
	if err != nil {
		return err
	}
	token, _, err := g.Login(ctx, http.DefaultClient, "alice")
	if err != nil {
		return err
	}
	before, err := g.Memory("VmRSS")
	if err != nil {
		return err
	}
	conns, err := openAll(ctx, g.Address, token, count)
	defer closeAll(conns)
	if err != nil {
		return err
	}
	return report(ctx, r, g, conns, before)
}

// socketCount returns how many sockets the gateway's limit on descriptors allows, at most
// maxSockets. Each needs two descriptors.
func socketCount() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	return min(maxSockets, int(min(limit.Max, 1<<20)-otherDescriptors)/2), nil
}

func openAll(ctx context.Context, address, token string, count int) ([]*socket, error) {
	var mu sync.Mutex
	var conns []*socket
	var failed error
	var wg sync.WaitGroup
	slots := make(chan struct{}, parallelHandshakes)
	for range count {
		slots <- struct{}{}
		wg.Go(func() {
			s, err := open(ctx, address, token)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
			} else {
				conns = append(conns, s)
			}
			<-slots
		})
	}
	wg.Wait()
	return conns, failed
}

func closeAll(conns []*socket) {
	for _, s := range conns {
		s.Close()
	}
}

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

func report(ctx context.Context, r *rig.Rig, g *rig.Gateway, conns []*socket, before int64) error {
	if err := rig.Pause(ctx, idleTime); err != nil {
		return err
	}
	idle, err := g.Memory("VmRSS")
	if err != nil {
		return err
	}
	peak, err := g.Memory("VmHWM")
	if err != nil {
		return err
	}
	echoing := 0
	for _, s := range conns {
		if s.echoes() {
			echoing++
		}
	}
	perSocket := (idle - before) / int64(len(conns))
	table := rig.NewTable("what", "measured", "expected")
	table.Add("sockets open", fmt.Sprint(len(conns)), "")
	table.Add("gateway's RSS before", rig.MiB(before)+" MiB", "")
	table.Add("gateway's RSS, sockets idle", rig.MiB(idle)+" MiB", "")
	table.Add("gateway's peak RSS", rig.MiB(peak)+" MiB", "")
	table.Add("memory per socket", fmt.Sprintf("%.1f KiB", float64(perSocket)/1024), fmt.Sprintf("at most %d KiB: ", maxBytesPerSocket>>10)+r.Check(perSocket <= maxBytesPerSocket))
	table.Add("sockets that echo a frame afterwards", fmt.Sprint(echoing), "all: "+r.Check(echoing == len(conns)))
	table.Print("idle WebSockets through wxgate serve")
	return nil
}

// serveEcho is the backend: it accepts every handshake and echoes all bytes.
func serveEcho() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("listening on", ln.Addr())
	server := &http.Server{Handler: http.HandlerFunc(echo), ReadHeaderTimeout: time.Minute}
	fmt.Println(server.Serve(ln))
}

func echo(w http.ResponseWriter, _ *http.Request) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	// The accept value for the fixed key that the client sends (RFC 6455, section 1.3).
	fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
	_, _ = io.Copy(conn, rw)
}
