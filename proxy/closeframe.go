package proxy

import (
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"time"
)

// closeFrameWriteTimeout bounds the writing of a close frame. The frame is small: if
// it can't be written at once, the client does not read.
const closeFrameWriteTimeout = 100 * time.Millisecond

// frameWriter is the client's connection of a tunnel. It tracks the boundaries of the
// frames written, so that a close frame can be sent between two of them.
type frameWriter struct {
	net.Conn

	mu     sync.Mutex // held while writing
	frames frameTracker
	closed bool // a close frame was written: nothing may follow it
}

var errCloseFrameSent = errors.New("a close frame was sent")

func (w *frameWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, errCloseFrameSent
	}
	n, err := w.Conn.Write(p)
	w.frames.advance(p[:n])
	return n, err
}

// CloseWrite half-closes the connection.
func (w *frameWriter) CloseWrite() error {
	conn, ok := w.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return conn.CloseWrite()
}

// goingAwayFrame is a close frame with status code 1001 (RFC 6455, section 7.4.1).
// A server's frames are not masked.
var goingAwayFrame = [...]byte{0x80 | 0x8, 2, 1001 >> 8, 1001 & 0xff}

// writeClose sends a close frame, after which a client connects again. In the middle of
// another frame it sends nothing and reports false: the client would read the close
// frame as part of that frame's payload.
func (w *frameWriter) writeClose() bool {
	if !w.mu.TryLock() {
		return false
	}
	defer w.mu.Unlock()
	if w.closed || !w.frames.atBoundary() {
		return false
	}
	w.closed = true
	_ = w.Conn.SetWriteDeadline(time.Now().Add(closeFrameWriteTimeout))
	_, err := w.Conn.Write(goingAwayFrame[:])
	return err == nil
}

// frameTracker parses the frame headers of one direction (RFC 6455, section 5.2). The
// zero value is at the beginning of a frame.
type frameTracker struct {
	head        [14]byte
	headBytes   uint8  // of head, received so far
	payloadLeft uint64 // bytes of the payload that are still to come
}

// atBoundary reports whether the last frame is complete.
func (t *frameTracker) atBoundary() bool { return t.headBytes == 0 && t.payloadLeft == 0 }

// advance reads the next bytes of the stream, which may hold parts of several frames.
func (t *frameTracker) advance(p []byte) {
	for len(p) > 0 {
		if t.payloadLeft > 0 {
			n := min(t.payloadLeft, uint64(len(p)))
			t.payloadLeft -= n
			p = p[n:]
			continue
		}
		t.head[t.headBytes] = p[0]
		t.headBytes++
		p = p[1:]
		if t.headBytes >= 2 && int(t.headBytes) == t.headLength() {
			t.payloadLeft, t.headBytes = t.payloadLength(), 0
		}
	}
}

// headLength is the length of the frame header, valid after its second byte.
func (t *frameTracker) headLength() int {
	length := 2
	switch t.head[1] & 0x7f {
	case 126:
		length += 2
	case 127:
		length += 8
	}
	if t.head[1]&0x80 != 0 {
		length += 4 // the mask
	}
	return length
}

func (t *frameTracker) payloadLength() uint64 {
	switch short := t.head[1] & 0x7f; short {
	case 126:
		return uint64(binary.BigEndian.Uint16(t.head[2:]))
	case 127:
		return binary.BigEndian.Uint64(t.head[2:])
	default:
		return uint64(short)
	}
}
