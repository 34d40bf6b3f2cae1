package upstream

import (
	"slices"
	"time"
)

// Idle connections are closed when they have been idle for idleTimeout, when an endpoint is
// retired (its address is no longer resolved, or the group is closed), when one that was
// idle for a shorter time turned out to be stale, and when an HTTP/2 request timed out.

// idleTimeout is how long an idle connection is kept. Backends with a shorter keep-alive
// time close theirs first; idlecheck.go detects that.
const idleTimeout = 30 * time.Second

// closeExpired closes the connections that have been idle for idleTimeout.
func (p *connPool) closeExpired() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expiryTimer = nil
	limit := time.Now().Add(-idleTimeout)
	expired := 0
	for expired < len(p.idle) && !p.idle[expired].idleSince.After(limit) {
		p.idle[expired].Close()
		expired++
	}
	p.idle = slices.Delete(p.idle, 0, expired)
	if len(p.idle) > 0 {
		p.expiryTimer = time.AfterFunc(time.Until(p.idle[0].idleSince.Add(idleTimeout)), p.closeExpired)
	}
}

// closeAll closes every idle connection.
func (p *connPool) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.idle {
		c.Close()
	}
	p.idle = nil
	if p.expiryTimer != nil {
		p.expiryTimer.Stop()
		p.expiryTimer = nil
	}
}

// CloseIdleConnections closes the connections that no request uses.
func (t *http1Transport) CloseIdleConnections() { t.pool.closeAll() }

// closeIdle closes the endpoint's connections that no request uses.
func (ep *endpoint) closeIdle() { (*ep.roundTripper.Load()).CloseIdleConnections() }

// replaceConnections makes further requests use new connections. Requests in flight
// finish on theirs. Without it, an HTTP/2 connection to a host that no longer responds
// would be used until TCP's retransmission timeout, about 15 minutes later.
func (ep *endpoint) replaceConnections() {
	(*ep.roundTripper.Swap(ep.newRoundTripper())).CloseIdleConnections()
}

// retire stops the active checks and closes each connection once it is idle.
func (ep *endpoint) retire() {
	ep.stop()
	ep.retired.Store(true)
	ep.closeIdle()
}
