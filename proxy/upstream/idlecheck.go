package upstream

import (
	"net/http/httptrace"
	"time"
)

// The check of an idle connection. Before a request is written to a connection that was
// idle, both kinds of connection make sure that the target has neither closed it nor sent
// anything since its last response: persistConn by a read that must return no
// bytes (sendOrReceive, checkIdle), trackedConn by the state of http.Transport's reader (gotConn).
//
// A request that must not be sent twice is checked further: an endpoint may close a
// connection while the request is on its way.

const (
	// idleNonIdempotentMax is how long a connection may have been idle to be used
	// for a request that must not be sent twice. Servers' keep-alive times are a
	// second at least, so they don't close the connection within this time.
	idleNonIdempotentMax = 800 * time.Millisecond

	// readerWait is how long http.Transport's reader may take to wait for bytes again.
	readerWait = 10 * time.Millisecond
)

// acquireIdleConn returns an idle connection that the request may use, nil if there is
// none.
//
// A request that must not be sent twice gets none that the endpoint may be about to
// close: none that has been idle for long, and none shortly after its last response
// unless the endpoint is known to keep its connections.
func (t *http1Transport) acquireIdleConn(cs *callState) *persistConn {
	switch {
	case cs.newConnOnly:
		return nil
	case !cs.nonIdempotent:
		return t.pool.acquire(0, idleTimeout)
	case t.earlyClose.closesEarly():
		return nil
	case t.earlyClose.keepsConns.Load():
		return t.pool.acquire(0, idleNonIdempotentMax)
	}
	return t.pool.acquire(earlyCloseWait, idleNonIdempotentMax)
}

// checkIdle returns errStaleConn if the target has closed the connection or sent
// anything. It is for requests that send doesn't write.
func (pc *persistConn) checkIdle() error { return pc.runSend() }

// gotConn checks the connection that http.Transport has chosen for the request. One that
// may not be used is closed: nothing is written to it, and http.Transport, or a retry at
// the same endpoint, uses another one.
func (cs *callState) gotConn(info httptrace.GotConnInfo) {
	cs.responseStarted.Store(false)
	cs.attemptConn = attemptConn{connRequested: true, connected: true, reused: info.Reused, trackedConn: trackedConnOf(info.Conn)}
	c := cs.trackedConn
	if c == nil {
		return
	}
	c.beginRequest()
	if info.Reused && !cs.mayReuse(c, info.IdleTime) {
		c.Close()
	}
}

// mayReuse reports whether the request may use a connection that was idle for so long.
func (cs *callState) mayReuse(c *trackedConn, idle time.Duration) bool {
	return !cs.newConnOnly && c.stillIdle() && (!cs.nonIdempotent || c.earlyClose.allowsReuse(c, idle))
}

// stillIdle reports whether the target has neither closed the connection nor sent
// anything since its last response. http.Transport's reader waits for bytes again
// microseconds after that response's end, unless its buffer holds more, in which case
// it closes the connection.
func (c *trackedConn) stillIdle() bool {
	c.requestWritten.Store(false)
	return c.waitFor(readerWait, c.readBlocked.Load) && !c.closed.Load()
}

// waitClosed waits until the connection is closed, for d at most.
func (c *trackedConn) waitClosed(d time.Duration) { c.waitFor(d, func() bool { return false }) }

// allowsReuse reports whether a connection that was idle for so long may be used for a
// request that must not be sent twice. While the endpoint isn't known to keep connections,
// it first waits until an early close would have been received.
func (d *earlyCloseDetector) allowsReuse(c *trackedConn, idle time.Duration) bool {
	if idle > idleNonIdempotentMax || d.closesEarly() {
		return false
	}
	if !d.keepsConns.Load() && idle < earlyCloseWait {
		c.waitClosed(earlyCloseWait - idle)
	}
	if c.closed.Load() || c.readable() {
		d.suspectEarlyClose()
		return false
	}
	return true
}
