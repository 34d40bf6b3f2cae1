package http1

import (
	"errors"
	"net"
	"net/http"
	"syscall"
	"time"
)

// The pause after a failed accept doubles from firstAcceptPause to maxAcceptPause.
const (
	firstAcceptPause = 5 * time.Millisecond
	maxAcceptPause   = time.Second
)

// Serve accepts connections until Shutdown or Close, and returns
// http.ErrServerClosed then. After a temporary error, such as a lack of descriptors or
// memory, it pauses and tries again; any other error is returned.
func (s *Server) Serve(ln net.Listener) error {
	defer ln.Close()
	if !s.addListener(ln) {
		return http.ErrServerClosed
	}
	defer s.removeListener(ln)
	pause := firstAcceptPause
	for {
		nc, err := ln.Accept()
		switch {
		case err == nil:
			pause = firstAcceptPause
			s.startConn(nc)
			continue
		case s.draining.Load():
			return http.ErrServerClosed
		case !temporary(err):
			return err
		}
		if s.AcceptError != nil {
			s.AcceptError(err, pause)
		}
		time.Sleep(pause)
		pause = min(2*pause, maxAcceptPause)
	}
}

// temporary reports whether a later accept may succeed.
func temporary(err error) bool {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR, syscall.EPERM, syscall.EPROTO} {
		if errors.Is(err, errno) {
			return true
		}
	}
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func (s *Server) addListener(ln net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Load() {
		return false
	}
	if s.listeners == nil {
		s.listeners = map[net.Listener]struct{}{}
	}
	s.listeners[ln] = struct{}{}
	s.startHTTP2()
	return true
}

func (s *Server) removeListener(ln net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, ln)
}

// startConn serves an accepted connection, if MaxConnections allows it.
func (s *Server) startConn(nc net.Conn) {
	open := s.slots.Add(1)
	raw := &slotConn{Conn: nc, release: func() { s.slots.Add(-1) }}
	if s.MaxConnections > 0 && open > int64(s.MaxConnections) {
		s.rejectOverloaded(raw)
		return
	}
	c := newConn(s, raw)
	if !s.track(c) {
		raw.Close()
		return
	}
	go c.serve()
}

// maxOverloaded bounds the connections that are being sent the Overloaded response.
const maxOverloaded = 64

// rejectOverloaded sends Overloaded to a connection beyond MaxConnections. The connection
// does not count against the limit. With TLS the connection is only closed: a response would need a handshake.
func (s *Server) rejectOverloaded(raw *slotConn) {
	raw.once.Do(raw.release)
	if s.TLSConfig != nil || s.overloaded.Add(1) > maxOverloaded {
		if s.TLSConfig == nil {
			s.overloaded.Add(-1)
		}
		raw.Close()
		return
	}
	go func() {
		defer s.overloaded.Add(-1)
		defer raw.Close()
		_ = raw.SetDeadline(time.Now().Add(overloadedTimeout))
		if _, err := raw.Write(s.refusal(Refusal{Reason: Overloaded, RemoteAddr: addrText(raw)})); err == nil {
			linger(raw, lingerLimits{total: overloadedTimeout, idle: overloadedTimeout, bytes: 64 << 10}, &s.closeIdle)
		}
	}()
}

const overloadedTimeout = time.Second

func addrText(c net.Conn) string {
	if addr := c.RemoteAddr(); addr != nil {
		return addr.String()
	}
	return ""
}
