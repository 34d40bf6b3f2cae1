package http1

import (
	"context"
	"sync"
	"time"
)

// interruptGrace is how long handlers may take to respond after Shutdown has ended
// their contexts.
const interruptGrace = time.Second

// Shutdown closes the listeners, serves requests that arrive on open connections
// within DrainPause, then closes the idle ones and waits for the requests in flight,
// but not for hijacked connections. If ctx ends first, it ends the requests' contexts
// with ErrShutdown, waits a second for the handlers to respond, closes the remaining
// connections and returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.noKeepAlive.Store(true)
	s.draining.Store(true)
	s.closeListeners()
	var http2 sync.WaitGroup
	if s.HTTP2 != nil {
		http2.Go(func() {
			if s.HTTP2.Shutdown(ctx) != nil {
				s.interrupting()
				s.HTTP2.Close()
			}
		})
	}
	err := s.drain(ctx)
	http2.Wait()
	s.closeNotifierAndHTTP2()
	return err
}

// drain is Shutdown for connections with HTTP/1.
func (s *Server) drain(ctx context.Context) error {
	empty := s.allClosed()
	pause := time.NewTimer(s.DrainPause)
	defer pause.Stop()
	select {
	case <-empty:
		return nil
	case <-pause.C:
	case <-ctx.Done():
	}
	s.closeIdle.Store(true)
	s.eachConn((*conn).endIdleWait)
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
	}
	s.interrupting()
	s.eachConn((*conn).interrupt)
	grace := time.NewTimer(interruptGrace)
	defer grace.Stop()
	select {
	case <-empty:
	case <-grace.C:
		s.closeConns()
	}
	return ctx.Err()
}

func (s *Server) interrupting() {
	if s.Interrupting != nil {
		s.Interrupting()
	}
}

// Close closes listeners and connections at once, hijacked ones excepted.
func (s *Server) Close() error {
	s.noKeepAlive.Store(true)
	s.draining.Store(true)
	s.closeIdle.Store(true)
	s.closed.Store(true)
	s.closeListeners()
	s.closeConns()
	if s.HTTP2 != nil {
		s.HTTP2.Close()
	}
	s.closeNotifierAndHTTP2()
	return nil
}

func (s *Server) closeConns() { s.eachConn(func(c *conn) { c.accepted.Close() }) }

func (s *Server) closeListeners() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ln := range s.listeners {
		ln.Close()
	}
}

func (s *Server) closeNotifierAndHTTP2() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.notifier != nil {
		s.notifier.close()
		s.notifier = nil
	}
	if s.http2 != nil {
		s.http2.Close()
	}
}

// allClosed returns a channel that is closed when no connection is left.
func (s *Server) allClosed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) == 0 {
		none := make(chan struct{})
		close(none)
		return none
	}
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	return s.empty
}
