package http1

import (
	"cmp"
	"os"
	"sync"
	"syscall"
)

// closeNotifier calls clientClosed of connections whose client has closed its sending
// side. Each is registered once, when it is accepted (EPOLLRDHUP, edge-triggered): that
// costs a request nothing, and detects a close behind bytes that have not been read.
//
// A registration's number is never used again: a late event finds no connection, and
// not the one that has the descriptor by then.
type closeNotifier struct {
	epoll *os.File
	raw   syscall.RawConn

	mu    sync.Mutex
	last  uint64
	conns map[uint64]*conn
}

const peerClosedEvents = 0x2000 | 1<<31 // EPOLLRDHUP | EPOLLET

func newCloseNotifier() (*closeNotifier, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	// Non-blocking, so that the runtime's poller waits for it and no thread does.
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	w := &closeNotifier{epoll: os.NewFile(uintptr(fd), "epoll"), conns: map[uint64]*conn{}}
	if w.raw, err = w.epoll.SyscallConn(); err != nil {
		w.epoll.Close()
		return nil, err
	}
	go w.run()
	return w, nil
}

func (w *closeNotifier) close() { w.epoll.Close() }

func (w *closeNotifier) run() {
	var events [64]syscall.EpollEvent
	for {
		n := 0
		err := w.raw.Read(func(fd uintptr) bool {
			n, _ = syscall.EpollWait(int(fd), events[:], 0)
			return n > 0
		})
		if err != nil {
			return
		}
		for _, event := range events[:n] {
			if c := w.find(uint64(uint32(event.Fd)) | uint64(uint32(event.Pad))<<32); c != nil {
				c.clientClosed()
			}
		}
	}
}

func (w *closeNotifier) find(number uint64) *conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conns[number]
}

// add registers a connection and returns its number; 0 if that fails.
func (w *closeNotifier) add(c *conn) uint64 {
	raw, err := c.raw.SyscallConn()
	if err != nil {
		return 0
	}
	w.mu.Lock()
	w.last++
	number := w.last
	w.conns[number] = c
	w.mu.Unlock()
	if w.control(raw, syscall.EPOLL_CTL_ADD, number) != nil {
		w.forget(number)
		return 0
	}
	return number
}

func (w *closeNotifier) control(raw syscall.RawConn, operation int, number uint64) (err error) {
	event := syscall.EpollEvent{Events: peerClosedEvents, Fd: int32(uint32(number)), Pad: int32(uint32(number >> 32))}
	closed := w.raw.Control(func(epoll uintptr) {
		connClosed := raw.Control(func(fd uintptr) {
			err = syscall.EpollCtl(int(epoll), operation, int(fd), &event)
		})
		err = cmp.Or(connClosed, err)
	})
	return cmp.Or(closed, err)
}

func (w *closeNotifier) forget(number uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, number)
}

// remove ends a registration. The kernel would do so at the last close of the
// descriptor; a hijacked connection must be removed before.
func (w *closeNotifier) remove(c *conn) {
	w.forget(c.registration)
	if raw, err := c.raw.SyscallConn(); err == nil {
		_ = w.control(raw, syscall.EPOLL_CTL_DEL, 0)
	}
}

// registerCloseNotify registers the connection with the server's closeNotifier.
func (c *conn) registerCloseNotify() {
	if c.server.BackgroundRead {
		return
	}
	if w := c.server.clientCloseNotifier(); w != nil {
		c.registration = w.add(c)
	}
}

func (s *Server) clientCloseNotifier() *closeNotifier {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.notifier == nil && !s.closed.Load() {
		if w, err := newCloseNotifier(); err == nil {
			s.notifier = w
		}
	}
	return s.notifier
}

func (c *conn) unregisterCloseNotify() {
	if c.registration == 0 {
		return
	}
	c.server.mu.Lock()
	w := c.server.notifier
	c.server.mu.Unlock()
	if w != nil {
		w.remove(c)
	}
	c.registration = 0
}
