package upstream

import (
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"wxgate/internal/rawio"
)

const (
	connBufferSize = 4 << 10 // of a connection, idle or not

	// maxKeptBuffer is the largest buffer that an idle connection keeps.
	maxKeptBuffer = 16 << 10
)

// persistConn is an HTTP/1.1 connection without TLS, used by one request after
// the other. Nobody reads from it while it is idle.
type persistConn struct {
	net.Conn
	raw syscall.RawConn // nil: not available on this system

	buf  []byte
	r, w int // buf[r:w] was received and is not used yet

	canceler *Canceler     // of the current request
	timeout  time.Duration // for writing, and until the response's headers

	reused       bool      // has carried a request before this one
	idleSince    time.Time // when it became idle
	readDeadline time.Time // as it is set; zero: none

	// The state of send.
	step    func(fd uintptr) bool // sendStep
	out     []byte                // to be written
	waiting bool                  // all is written, the response is awaited
	sendErr error

	// Of the current request.
	written  atomic.Int64
	received bool // anything at all
}

func newPersistConn(c net.Conn, timeout time.Duration) *persistConn {
	pc := &persistConn{Conn: c, raw: rawio.ConnOf(c), timeout: timeout, buf: make([]byte, connBufferSize)}
	pc.step = pc.sendStep
	return pc
}

// begin is called before a request.
func (pc *persistConn) startRequest(canceler *Canceler) {
	pc.canceler = canceler
	pc.written.Store(0)
	pc.received = false
}

// markIdle is called before the connection goes to the pool.
func (pc *persistConn) markIdle(now time.Time) {
	pc.reused, pc.idleSince, pc.canceler = true, now, nil
	pc.r, pc.w = 0, 0
	if len(pc.buf) > maxKeptBuffer {
		pc.buf = make([]byte, connBufferSize)
	}
}

// fill reads more into the buffer, for which there must be room.
func (pc *persistConn) fill() error {
	n, err := pc.Conn.Read(pc.buf[pc.w:])
	pc.w += n
	if n > 0 {
		pc.received = true
		return nil
	}
	return err
}

// buffered is what was received and is not used yet.
func (pc *persistConn) buffered() []byte { return pc.buf[pc.r:pc.w] }

// Read reads what is buffered, then from the network.
func (pc *persistConn) Read(p []byte) (int, error) {
	if pc.r == pc.w {
		return pc.Conn.Read(p)
	}
	n := copy(p, pc.buffered())
	pc.r += n
	return n, nil
}

// ensureRoom makes room in the buffer for at least a byte: what is used goes, and
// where nothing is, the buffer grows.
func (pc *persistConn) ensureRoom() {
	switch {
	case pc.w < len(pc.buf):
	case pc.r > 0:
		pc.w = copy(pc.buf, pc.buffered())
		pc.r = 0
	default:
		larger := make([]byte, 2*len(pc.buf))
		pc.w = copy(larger, pc.buf)
		pc.buf = larger
	}
}
