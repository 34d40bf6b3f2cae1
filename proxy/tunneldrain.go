package proxy

import (
	"context"
	"sync"
)

// openTunnels is the set of open tunnels, for the drain at shutdown: an HTTP server does
// not wait for hijacked connections.
type openTunnels struct {
	mu    sync.Mutex
	open  map[*tunnel]struct{}
	empty sync.Cond // signalled after the last tunnel was removed; L is nil before drain
}

func (o *openTunnels) add(t *tunnel) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.open == nil {
		o.open = map[*tunnel]struct{}{}
	}
	o.open[t] = struct{}{}
}

func (o *openTunnels) remove(t *tunnel) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.open, t)
	if len(o.open) == 0 && o.empty.L != nil {
		o.empty.Broadcast()
	}
}

// drain waits until all tunnels have closed. When ctx ends it closes the remaining ones.
func (o *openTunnels) drain(ctx context.Context) {
	o.mu.Lock()
	o.empty.L = &o.mu
	o.mu.Unlock()
	stop := context.AfterFunc(ctx, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		for t := range o.open {
			go t.closeGoingAway(shutdownError())
		}
	})
	defer stop()
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.open) > 0 {
		o.empty.Wait()
	}
}
