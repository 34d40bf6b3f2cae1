package http1

import (
	"cmp"
	"os"
	"sync"
	"syscall"
)

// watcher tells connections that their client has closed its side. Each is
// registered once, for its whole life (EPOLLRDHUP, edge-triggered): that costs
// a request nothing, and sees a close behind bytes that nobody has read yet.
//
// A registration has a number that is never used again, so that a late event
// finds nobody, and not whoever has the descriptor by then.
type watcher struct {
	epoll *os.File
	raw   syscall.RawConn

	mu    sync.Mutex
	last  uint64
	conns map[uint64]*conn
}

const clientClosed = 0x2000 | 1<<31 // EPOLLRDHUP | EPOLLET

func newWatcher() (*watcher, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	// Non-blocking, so that the runtime waits for it and no thread does.
	if err := syscall.SetNonblock(fd, true); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	w := &watcher{epoll: os.NewFile(uintptr(fd), "epoll"), conns: map[uint64]*conn{}}
	if w.raw, err = w.epoll.SyscallConn(); err != nil {
		w.epoll.Close()
		return nil, err
	}
	go w.run()
	return w, nil
}

func (w *watcher) close() { w.epoll.Close() }

func (w *watcher) run() {
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
				c.clientGone()
			}
		}
	}
}

func (w *watcher) find(number uint64) *conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conns[number]
}

// add registers a connection, and gives its number; 0: it can't be.
func (w *watcher) add(c *conn) uint64 {
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

func (w *watcher) control(raw syscall.RawConn, operation int, number uint64) (err error) {
	event := syscall.EpollEvent{Events: clientClosed, Fd: int32(uint32(number)), Pad: int32(uint32(number >> 32))}
	gone := w.raw.Control(func(epoll uintptr) {
		closed := raw.Control(func(fd uintptr) {
			err = syscall.EpollCtl(int(epoll), operation, int(fd), &event)
		})
		err = cmp.Or(closed, err)
	})
	return cmp.Or(gone, err)
}

func (w *watcher) forget(number uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, number)
}

// remove ends a registration. The system would do so by itself at the last
// close of the connection; this is for one that goes on elsewhere.
func (w *watcher) remove(c *conn) {
	w.forget(c.watch)
	if raw, err := c.raw.SyscallConn(); err == nil {
		_ = w.control(raw, syscall.EPOLL_CTL_DEL, 0)
	}
}

// watchClient registers the connection with the server's watcher.
func (c *conn) watchClient() {
	if c.server.BackgroundRead {
		return
	}
	if w := c.server.clientWatcher(); w != nil {
		c.watch = w.add(c)
	}
}

func (s *Server) clientWatcher() *watcher {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watcher == nil && !s.closed.Load() {
		if w, err := newWatcher(); err == nil {
			s.watcher = w
		}
	}
	return s.watcher
}

func (c *conn) unwatch() {
	if c.watch == 0 {
		return
	}
	c.server.mu.Lock()
	w := c.server.watcher
	c.server.mu.Unlock()
	if w != nil {
		w.remove(c)
	}
	c.watch = 0
}
