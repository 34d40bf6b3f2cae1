package proxy

import (
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"time"
)

// closeFrameWrite bounds the writing of a close frame. The frame is small: where
// it can't be written at once, the client reads nothing.
const closeFrameWrite = 100 * time.Millisecond

// frameWriter is a client's side of a WebSocket tunnel. It follows the frames
// that pass, so that a close frame can be put between two of them.
type frameWriter struct {
	net.Conn

	mu     sync.Mutex // held while writing
	frames frameTracker
	closed bool // a close frame was written, nothing may follow it
}

var errCloseFrameSent = errors.New("a close frame was sent")

func (w *frameWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, errCloseFrameSent
	}
	n, err := w.Conn.Write(p)
	w.frames.passed(p[:n])
	return n, err
}

// CloseWrite passes an end of stream on.
func (w *frameWriter) CloseWrite() error {
	half, ok := w.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

// closeGoingAway is a close frame with the code 1001 (RFC 6455, section 7.4.1).
// A server's frames are not masked.
var closeGoingAway = [...]byte{0x80 | 0x8, 2, 1001 >> 8, 1001 & 0xff}

// writeClose sends a close frame, which tells the client to connect again. It
// does not where a frame is under way: the client would take it for a part of
// that.
func (w *frameWriter) writeClose() bool {
	if !w.mu.TryLock() {
		return false
	}
	defer w.mu.Unlock()
	if w.closed || !w.frames.between() {
		return false
	}
	w.closed = true
	_ = w.Conn.SetWriteDeadline(time.Now().Add(closeFrameWrite))
	_, err := w.Conn.Write(closeGoingAway[:])
	return err == nil
}

// frameTracker follows the frames of one direction (RFC 6455, section 5.2). The
// zero value stands before the first.
type frameTracker struct {
	head [14]byte
	had  uint8  // bytes of head
	left uint64 // bytes of the payload that are to come
}

// between reports whether the last frame has come to its end.
func (t *frameTracker) between() bool { return t.had == 0 && t.left == 0 }

func (t *frameTracker) passed(p []byte) {
	for len(p) > 0 {
		if t.left > 0 {
			n := min(t.left, uint64(len(p)))
			t.left -= n
			p = p[n:]
			continue
		}
		t.head[t.had] = p[0]
		t.had++
		p = p[1:]
		if t.had >= 2 && int(t.had) == t.headLength() {
			t.left, t.had = t.payloadLength(), 0
		}
	}
}

// headLength is known from the second byte on.
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
