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

func (s *openTunnels) add(t *tunnel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[*tunnel]struct{}{}
	}
	s.open[t] = struct{}{}
}

func (s *openTunnels) remove(t *tunnel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, t)
	if len(s.open) == 0 && s.empty.L != nil {
		s.empty.Broadcast()
	}
}

// drain waits until all tunnels have closed. When ctx ends it closes the remaining ones.
func (s *openTunnels) drain(ctx context.Context) {
	s.mu.Lock()
	s.empty.L = &s.mu
	s.mu.Unlock()
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for t := range s.open {
			go t.closeGoingAway(shutdownError())
		}
	})
	defer stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.open) > 0 {
		s.empty.Wait()
	}
}
