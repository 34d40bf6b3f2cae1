package upstream

import (
	"bytes"
	"errors"
	"io"
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

// errStaleConn says that a connection is closed, or has received something, before
// anything was written to it.
var errStaleConn = errors.New("the connection was closed, or spoke first")

// send writes a request whole and waits for the first bytes of its response.
//
// A connection that has received anything before is not used: that would be taken
// for the response. Looking costs nothing: the read that has to come back empty
// before the runtime waits for the response is made before the request is written.
func (pc *persistConn) send(out []byte) error {
	pc.out = out
	err := pc.runSend()
	pc.out = nil
	if err != nil || pc.w > 0 {
		return err
	}
	return pc.fill()
}

// begin is called before a request.
func (pc *persistConn) startRequest(canceler *Canceler) {
	pc.canceler = canceler
	pc.written.Store(0)
	pc.received = false
}

// checkIdle makes sure, as send does, that nothing has been received.
func (pc *persistConn) checkIdle() error { return pc.runSend() }

func (pc *persistConn) runSend() error {
	pc.r, pc.w = 0, 0
	pc.waiting, pc.sendErr = false, nil
	if pc.raw == nil {
		return pc.writeRest()
	}
	if err := pc.raw.Read(pc.step); err != nil {
		return err
	}
	if pc.sendErr != nil {
		return pc.sendErr
	}
	return pc.writeRest()
}

// sendStep is called with the descriptor, and again each time that it becomes
// readable after it has returned false.
func (pc *persistConn) sendStep(fd uintptr) bool {
	if pc.waiting {
		return pc.receive(fd)
	}
	if _, err := rawio.Read(fd, pc.buf); !errors.Is(err, syscall.EAGAIN) {
		pc.sendErr = errStaleConn
		return true
	}
	if len(pc.out) == 0 {
		return true
	}
	n, err := rawio.Write(fd, pc.out)
	pc.written.Store(int64(n))
	pc.sendErr = err
	pc.waiting = err == nil && n == len(pc.out)
	return !pc.waiting
}

func (pc *persistConn) receive(fd uintptr) bool {
	n, err := rawio.Read(fd, pc.buf)
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return false
	case err != nil:
		pc.sendErr = err
	case n == 0:
		pc.sendErr = io.EOF
	}
	pc.w = max(n, 0)
	pc.received = pc.w > 0
	return true
}

// writeRest writes what the network's buffers had no room for.
func (pc *persistConn) writeRest() error {
	sent := int(pc.written.Load())
	if sent >= len(pc.out) {
		return nil
	}
	pc.setWriteDeadline(time.Now().Add(pc.timeout))
	n, err := pc.Write(pc.out[sent:])
	pc.written.Add(int64(n))
	return err
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

var (
	errBareLF      = errors.New("a line ends in LF without CR")
	errLineTooLong = errors.New("a line is too long")
)

// lineEnd finds the end of the line that begins so many bytes into what is
// buffered, and reads as much as that takes, up to limit bytes in all. Lines end in
// CRLF.
func (pc *persistConn) lineEnd(begin, limit int) (int, error) {
	for searched := begin; ; {
		b := pc.buffered()
		if i := bytes.IndexByte(b[searched:], '\n'); i >= 0 {
			end := searched + i - 1
			if end < begin || b[end] != '\r' {
				return 0, errBareLF
			}
			return end, nil
		}
		searched = len(b)
		if searched >= limit {
			return 0, errLineTooLong
		}
		pc.ensureRoom()
		if err := pc.fill(); err != nil {
			return 0, err
		}
	}
}

// readLine reads a line. It is valid until the next read.
func (pc *persistConn) readLine(limit int) ([]byte, error) {
	end, err := pc.lineEnd(0, limit)
	if err != nil {
		return nil, err
	}
	line := pc.buffered()[:end]
	pc.r += end + len("\r\n")
	return line, nil
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

// markIdle is called before the connection goes to the pool.
func (pc *persistConn) markIdle(now time.Time) {
	pc.reused, pc.idleSince, pc.canceler = true, now, nil
	pc.r, pc.w = 0, 0
	if len(pc.buf) > maxKeptBuffer {
		pc.buf = make([]byte, connBufferSize)
	}
}

// pastDeadline ends what waits for the connection now.
var pastDeadline = time.Unix(1, 0)

// abort ends what is under way on the connection, for good.
func (pc *persistConn) abort() { _ = pc.SetDeadline(pastDeadline) }

// reapplyAbort is called after a deadline was set, which may have undone an abort.
func (pc *persistConn) reapplyAbort() {
	if pc.canceler.canceled.Load() {
		pc.abort()
	}
}

// extendReadDeadline sets a deadline for reading: the timeout, or up to an eighth of it or
// two seconds more. Most requests find one that is still good enough: setting it
// costs as much as a small system call.
func (pc *persistConn) extendReadDeadline(now time.Time) {
	slack := min(time.Second, pc.timeout/16)
	least := now.Add(pc.timeout)
	if pc.readDeadline.Before(least) || pc.readDeadline.After(least.Add(2*slack)) {
		pc.setReadDeadline(least.Add(slack))
	}
}

// setReadDeadline sets the deadline for reading; zero: none.
func (pc *persistConn) setReadDeadline(t time.Time) {
	if pc.readDeadline.Equal(t) {
		return
	}
	pc.readDeadline = t
	_ = pc.SetReadDeadline(t)
	pc.reapplyAbort()
}

func (pc *persistConn) setWriteDeadline(t time.Time) {
	_ = pc.SetWriteDeadline(t)
	pc.reapplyAbort()
}
