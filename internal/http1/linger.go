package http1

import (
	"net"
	"sync/atomic"
	"time"
)

// lingerLimits bound a lingering close.
type lingerLimits struct {
	total time.Duration // of the whole lingering close
	idle  time.Duration // between two reads
	bytes int64         // read and discarded
}

// lingering bounds the lingering close after a response that came before the end of the
// request's body. Many clients read no response before they have sent the body, and a
// TCP reset would discard the response (RFC 9112, section 9.6).
var lingering = lingerLimits{total: 30 * time.Second, idle: 5 * time.Second, bytes: 64 << 20}

// linger closes the sending side and reads on, so that the client can read the
// response before the connection is reset.
func (c *conn) linger() {
	c.unregisterCloseNotify()
	linger(c.rwc, lingering, &c.server.closeIdle)
}

// lastLinger bounds a lingering close after the server has begun to stop.
const lastLinger = 500 * time.Millisecond

// linger does a lingering close within limits; within lastLinger if stopping is set.
func linger(conn net.Conn, limits lingerLimits, stopping *atomic.Bool) {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	buf := discardBuffers.Get().(*[discardBufferSize]byte)
	defer discardBuffers.Put(buf)
	began := time.Now()
	lastRead := began
	for limits.bytes > 0 {
		now := time.Now()
		if now.Sub(began) > limits.total || now.Sub(lastRead) > limits.idle || stopping.Load() && now.Sub(began) > lastLinger {
			return
		}
		_ = conn.SetReadDeadline(now.Add(lastLinger))
		n, err := conn.Read(buf[:])
		if n > 0 {
			lastRead = time.Now()
			limits.bytes -= int64(n)
		}
		if err != nil && !isTimeout(err) {
			return
		}
	}
}
