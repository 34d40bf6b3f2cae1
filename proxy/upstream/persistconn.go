package upstream

import (
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"wxgate/internal/rawio"
)

const (
	connBufferSize    = 4 << 10  // initial size of the buffer, in bytes
	maxIdleBufferSize = 16 << 10 // a larger buffer is replaced when the connection becomes idle
)

// persistConn is an HTTP/1.1 connection without TLS that requests use one after the
// other. While it is idle, nothing reads from it.
type persistConn struct {
	net.Conn
	raw syscall.RawConn // nil: not available on this system

	buf  []byte
	r, w int // buf[r:w] is received and unread

	canceler *Canceler     // of the current request
	timeout  time.Duration // for writing, and until the response's headers

	reused       bool      // the connection had an earlier request
	idleSince    time.Time // when it became idle
	readDeadline time.Time // the one that is set; zero: none

	// State of send.
	rawReadFunc func(fd uintptr) bool // sendOrReceive, as an argument of raw.Read
	out         []byte                // to be written
	requestSent bool                  // all of out is written: sendOrReceive receives
	sendErr     error

	// Of the current request.
	written  atomic.Int64
	received bool // at least one byte of a response was received
}

func newPersistConn(c net.Conn, timeout time.Duration) *persistConn {
	pc := &persistConn{Conn: c, raw: rawio.ConnOf(c), timeout: timeout, buf: make([]byte, connBufferSize)}
	pc.rawReadFunc = pc.sendOrReceive
	return pc
}

// startRequest resets the state for a request.
func (pc *persistConn) startRequest(canceler *Canceler) {
	pc.canceler = canceler
	pc.written.Store(0)
	pc.received = false
}

// markIdle resets the state before the connection is released to the pool.
func (pc *persistConn) markIdle(now time.Time) {
	pc.reused, pc.idleSince, pc.canceler = true, now, nil
	pc.r, pc.w = 0, 0
	if len(pc.buf) > maxIdleBufferSize {
		pc.buf = make([]byte, connBufferSize)
	}
}

// fill reads from the network into the buffer, which must have room.
func (pc *persistConn) fill() error {
	n, err := pc.Conn.Read(pc.buf[pc.w:])
	pc.w += n
	if n > 0 {
		pc.received = true
		return nil
	}
	return err
}

// buffered returns the bytes that are received and unread.
func (pc *persistConn) buffered() []byte { return pc.buf[pc.r:pc.w] }

// Read returns buffered bytes, or reads from the network if there are none.
func (pc *persistConn) Read(p []byte) (int, error) {
	if pc.r == pc.w {
		return pc.Conn.Read(p)
	}
	n := copy(p, pc.buffered())
	pc.r += n
	return n, nil
}

// ensureRoom makes room for at least a byte at the buffer's end: it moves the unread
// bytes to the front, or doubles the buffer.
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
