package upstream

import (
	"sync/atomic"
	"time"
)

const (
	// idleNonIdempotentMax is how long a connection may have been idle to be used
	// for a request that must not be sent twice: less than any keep-alive time that
	// servers are configured with, which is a second at the least.
	idleNonIdempotentMax = 800 * time.Millisecond

	// earlyCloseWait is how long after a response a close may still follow it.
	earlyCloseWait = 50 * time.Millisecond

	earlyCloseWithin = 50 * time.Millisecond // from the first response to the close
	earlyCloseFor    = 5 * time.Second       // without another such close
)

// earlyCloseDetector is what is known of how an endpoint earlyClose its connections. One
// that offers to keep them and yet earlyClose them right after the first response, as
// simple servers do, may close while a request is on its way; a request that must
// not be sent twice is then lost.
type earlyCloseDetector struct {
	keepsConns       atomic.Bool  // a second response has come over some connection
	closesEarlyUntil atomic.Int64 // it is taken for one that earlyClose early; Unix nanoseconds
}

// recordReuse notes a response over a connection that was used before.
func (k *earlyCloseDetector) recordReuse() {
	if !k.keepsConns.Load() {
		k.keepsConns.Store(true)
	}
}

// closed notes that the endpoint has closed a connection after its first response.
func (k *earlyCloseDetector) recordClose(answered time.Time) {
	if time.Since(answered) < earlyCloseWithin {
		k.keepsConns.Store(false)
		k.suspect()
	}
}

// suspect has new connections used for a while, unless the endpoint is known to
// keep them: then a close is no more than the end of one connection.
func (k *earlyCloseDetector) suspect() {
	if !k.keepsConns.Load() {
		k.closesEarlyUntil.Store(time.Now().Add(earlyCloseFor).UnixNano())
	}
}

// closesEarly reports whether new connections are used at present.
func (k *earlyCloseDetector) closesEarly() bool {
	return time.Now().UnixNano() < k.closesEarlyUntil.Load()
}

// allowsReuse reports whether a connection that has been idle for a while
// may carry a request that must not be sent twice. Where the endpoint is not known
// yet, it waits until an early close would have come.
func (k *earlyCloseDetector) allowsReuse(c *trackedConn, idle time.Duration) bool {
	if idle > idleNonIdempotentMax || k.closesEarly() {
		return false
	}
	if !k.keepsConns.Load() && idle < earlyCloseWait {
		c.waitClosed(earlyCloseWait - idle)
	}
	if c.closed.Load() || c.readable() {
		k.suspect()
		return false
	}
	return true
}
