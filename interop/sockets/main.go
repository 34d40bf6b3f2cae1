// Command sockets measures the memory of idle WebSockets in the gateway's process: it
// opens up to 10,000 through a gateway, as a user who is logged in. Client, gateway and
// backend are separate processes.
package main

import (
	"context"
	"fmt"
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
