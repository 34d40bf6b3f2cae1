package upstream

import (
	"sync/atomic"
	"time"
)

const (
	// earlyCloseWait is how long after a response an early close may be received.
	earlyCloseWait = 50 * time.Millisecond

	earlyCloseWithin = 50 * time.Millisecond // between the first response and an early close
	earlyCloseFor    = 5 * time.Second       // an endpoint closes early for so long after such a close
)

// earlyCloseDetector detects an endpoint that closes each connection right after its
// first response although it offered to keep it, as simple servers do. Such a close may
// cross a request that is on its way; a request that must not be sent twice then fails.
type earlyCloseDetector struct {
	keepsConns       atomic.Bool  // a connection has had a second response
	closesEarlyUntil atomic.Int64 // end of the time in which closesEarly is true; Unix nanoseconds
}

// recordReuse records a response on a connection that was used before.
func (d *earlyCloseDetector) recordReuse() {
	if !d.keepsConns.Load() {
		d.keepsConns.Store(true)
	}
}

// recordClose records that the endpoint has closed a connection after its first
// response, which was received at the given time.
func (d *earlyCloseDetector) recordClose(responseAt time.Time) {
	if time.Since(responseAt) < earlyCloseWithin {
		d.keepsConns.Store(false)
		d.suspectEarlyClose()
	}
}

// suspectEarlyClose makes closesEarly true for a while, unless the endpoint is known to keep its
// connections.
func (d *earlyCloseDetector) suspectEarlyClose() {
	if !d.keepsConns.Load() {
		d.closesEarlyUntil.Store(time.Now().Add(earlyCloseFor).UnixNano())
	}
}

// closesEarly reports whether requests that must not be sent twice need a new connection.
func (d *earlyCloseDetector) closesEarly() bool {
	return time.Now().UnixNano() < d.closesEarlyUntil.Load()
}
