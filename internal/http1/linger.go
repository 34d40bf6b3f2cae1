package http1

import (
	"net"
	"sync/atomic"
	"time"
)

// lingerLimits bound a lingering close.
type lingerLimits struct {
	total   time.Duration
	silence time.Duration // between two pieces
	bytes   int64
}

// What an early answer waits for. A client that sends a body on and on reads no
// answer before it is done; one that is reset loses the answer (RFC 9112,
// section 9.6).
var lingering = lingerLimits{total: 30 * time.Second, silence: 5 * time.Second, bytes: 64 << 20}

// linger ends the sending side and reads on, so that the client gets to read
// the answer before the connection is reset.
func (c *conn) linger() {
	c.unregisterCloseNotify()
	linger(c.rwc, lingering, &c.server.closeIdle)
}

// lastLinger is how long it takes when the server stops.
const lastLinger = 500 * time.Millisecond

// linger is over soon once the server stops.
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
		if now.Sub(began) > limits.total || now.Sub(lastRead) > limits.silence || stopping.Load() && now.Sub(began) > lastLinger {
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
