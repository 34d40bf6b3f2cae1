// Command sockets opens up to 10,000 WebSockets through a gateway, as a user
// who is logged in, lets them idle, and reads what memory the gateway's process
// takes. Client, gateway and backend are separate processes.
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
	wanted   = 10000
	limit    = 13 << 10 // bytes of the gateway's memory that an idle WebSocket may take
	spare    = 200      // descriptors that a process needs besides
	dialling = 64       // handshakes at once
	idling   = 5 * time.Second
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "backend" {
		serveEcho()
		return
	}
	rig.Main(3*time.Minute, run)
}

func run(ctx context.Context, r *rig.Rig) error {
	count, err := possible()
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

// possible is how many sockets the gateway may hold: two descriptors for each.
func possible() (int, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	return min(wanted, int(min(limit.Max, 1<<20)-spare)/2), nil
}

func openAll(ctx context.Context, address, token string, count int) ([]*socket, error) {
	var mu sync.Mutex
	var conns []*socket
	var failed error
	var wait sync.WaitGroup
	next := make(chan struct{}, dialling)
	for range count {
		next <- struct{}{}
		wait.Go(func() {
			s, err := open(ctx, address, token)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
			} else {
				conns = append(conns, s)
			}
			<-next
		})
	}
	wait.Wait()
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
	if err := s.shakeHands(address, token); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

func (s *socket) shakeHands(address, token string) error {
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
		return fmt.Errorf("the handshake was answered %s", res.Status)
	}
	return s.SetDeadline(time.Time{})
}

// frame is a masked text frame "ping" with a mask of zeros.
const frame = "\x81\x84\x00\x00\x00\x00ping"

// echoes sends a frame and waits for the same bytes to come back.
func (s *socket) echoes() bool {
	_ = s.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(s, frame); err != nil {
		return false
	}
	back := make([]byte, len(frame))
	_, err := io.ReadFull(s.r, back)
	return err == nil && string(back) == frame
}

func report(ctx context.Context, r *rig.Rig, g *rig.Gateway, conns []*socket, before int64) error {
	if err := rig.Pause(ctx, idling); err != nil {
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
	alive := 0
	for _, s := range conns {
		if s.echoes() {
			alive++
		}
	}
	each := (idle - before) / int64(len(conns))
	table := rig.NewTable("what", "measured", "as it should be")
	table.Add("sockets open", fmt.Sprint(len(conns)), "")
	table.Add("gateway's RSS before", rig.MiB(before)+" MiB", "")
	table.Add("gateway's RSS, sockets idle", rig.MiB(idle)+" MiB", "")
	table.Add("gateway's peak RSS", rig.MiB(peak)+" MiB", "")
	table.Add("a socket", fmt.Sprintf("%.1f KiB", float64(each)/1024), fmt.Sprintf("at most %d KiB: ", limit>>10)+r.Check(each <= limit))
	table.Add("sockets that carry a frame there and back afterwards", fmt.Sprint(alive), "all: "+r.Check(alive == len(conns)))
	table.Print("idle WebSockets through wxgate serve")
	return nil
}

// serveEcho is the backend: it takes every handshake and sends back what comes.
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
	// The answer to the one key that the client sends (RFC 6455, 1.3).
	fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
	_, _ = io.Copy(conn, rw)
}
