package proxy

import (
	"context"
	"sync"
)

// sockets are the open tunnels: a server that shuts down does not wait for
// hijacked connections.
type sockets struct {
	mu   sync.Mutex
	open map[*tunnel]struct{}
	idle sync.Cond // signalled when the last one has been removed
}

func (s *sockets) add(t *tunnel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[*tunnel]struct{}{}
	}
	s.open[t] = struct{}{}
}

func (s *sockets) remove(t *tunnel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, t)
	if len(s.open) == 0 && s.idle.L != nil {
		s.idle.Broadcast()
	}
}

// drain waits for the open tunnels until ctx ends, then closes what is left.
func (s *sockets) drain(ctx context.Context) {
	s.mu.Lock()
	s.idle.L = &s.mu
	s.mu.Unlock()
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for t := range s.open {
			go t.goAway(stoppingError())
		}
	})
	defer stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.open) > 0 {
		s.idle.Wait()
	}
}
