package http1

import (
	"cmp"
	"os"
	"sync"
	"syscall"
)

// closeNotifier calls clientClosed of connections whose client has closed its sending
// side. Each is registered once, when it is accepted (EPOLLRDHUP, edge-triggered): that
// costs a request nothing, and detects a close that follows bytes that have not been read.
//
// A registration's number is never reused: a late event finds no connection, and not the
// connection that the descriptor belongs to by then.
type closeNotifier struct {
	epoll   *os.File
	rawConn syscall.RawConn // of epoll

	mu    sync.Mutex
	last  uint64 // the number of the last registration
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
	n := &closeNotifier{epoll: os.NewFile(uintptr(fd), "epoll"), conns: map[uint64]*conn{}}
	if n.rawConn, err = n.epoll.SyscallConn(); err != nil {
		n.epoll.Close()
		return nil, err
	}
	go n.run()
	return n, nil
}

func (n *closeNotifier) close() { n.epoll.Close() }

func (n *closeNotifier) run() {
	var events [64]syscall.EpollEvent
	for {
		count := 0
		err := n.rawConn.Read(func(fd uintptr) bool {
			count, _ = syscall.EpollWait(int(fd), events[:], 0)
			return count > 0
		})
		if err != nil {
			return
		}
		for _, event := range events[:count] {
			if c := n.find(uint64(uint32(event.Fd)) | uint64(uint32(event.Pad))<<32); c != nil {
				c.clientClosed()
			}
		}
	}
}

func (n *closeNotifier) find(number uint64) *conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.conns[number]
}

// add registers a connection and returns its number; 0 if that fails.
func (n *closeNotifier) add(c *conn) uint64 {
	raw, err := c.accepted.SyscallConn()
	if err != nil {
		return 0
	}
	n.mu.Lock()
	n.last++
	number := n.last
	n.conns[number] = c
	n.mu.Unlock()
	if n.control(raw, syscall.EPOLL_CTL_ADD, number) != nil {
		n.forget(number)
		return 0
	}
	return number
}

func (n *closeNotifier) control(raw syscall.RawConn, operation int, number uint64) (err error) {
	event := syscall.EpollEvent{Events: peerClosedEvents, Fd: int32(uint32(number)), Pad: int32(uint32(number >> 32))}
	closed := n.rawConn.Control(func(epoll uintptr) {
		connClosed := raw.Control(func(fd uintptr) {
			err = syscall.EpollCtl(int(epoll), operation, int(fd), &event)
		})
		err = cmp.Or(connClosed, err)
	})
	return cmp.Or(closed, err)
}

func (n *closeNotifier) forget(number uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, number)
}

// remove ends a registration. The kernel would do so at the last close of the
// descriptor; a hijacked connection must be removed before.
func (n *closeNotifier) remove(c *conn) {
	n.forget(c.registration)
	if raw, err := c.accepted.SyscallConn(); err == nil {
		_ = n.control(raw, syscall.EPOLL_CTL_DEL, 0)
	}
}

// registerCloseNotify registers the connection with the server's closeNotifier.
func (c *conn) registerCloseNotify() {
	if c.server.BackgroundRead {
		return
	}
	if n := c.server.closeNotifier(); n != nil {
		c.registration = n.add(c)
	}
}

// closeNotifier returns the server's closeNotifier, and starts it at the first call. It
// returns nil if that fails, or if the server is closed.
func (s *Server) closeNotifier() *closeNotifier {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.notifier == nil && !s.closed.Load() {
		if n, err := newCloseNotifier(); err == nil {
			s.notifier = n
		}
	}
	return s.notifier
}

func (c *conn) unregisterCloseNotify() {
	if c.registration == 0 {
		return
	}
	c.server.mu.Lock()
	n := c.server.notifier
	c.server.mu.Unlock()
	if n != nil {
		n.remove(c)
	}
	c.registration = 0
}
