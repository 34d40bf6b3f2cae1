package upstream

import (
	"slices"
	"sync"
	"time"
)

// connPool holds the idle connections of an endpoint.
type connPool struct {
	mu          sync.Mutex
	idle        []*persistConn // the longest idle first
	expiryTimer *time.Timer
}

// idleConn takes an idle connection that the request may use out of the pool.
//
// A request that must not be sent twice takes none that the endpoint may be
// about to close: none that has been idle for long, and none right after its
// response while the endpoint is not known to keep connections.
func (t *http1Transport) acquireIdleConn(a *attempts) *persistConn {
	switch {
	case a.newConnOnly:
		return nil
	case !a.nonIdempotent:
		return t.pool.acquire(0, idleTimeout)
	case t.earlyClose.closesEarly():
		return nil
	case t.earlyClose.keepsConns.Load():
		return t.pool.acquire(0, idleNonIdempotentMax)
	}
	return t.pool.acquire(earlyCloseWait, idleNonIdempotentMax)
}

// take removes the connection that was used last among those that have been
// idle for a time between least and most.
func (p *connPool) acquire(least, most time.Duration) *persistConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	now := time.Now()
	for i, c := range slices.Backward(p.idle) {
		idle := now.Sub(c.idleSince)
		if idle > most {
			return nil
		}
		if idle >= least {
			p.idle = slices.Delete(p.idle, i, i+1)
			return c
		}
	}
	return nil
}

// put keeps a connection for a later request.
func (p *connPool) release(c *persistConn) {
	c.markIdle(time.Now())
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) >= maxIdleConns {
		c.Close()
		return
	}
	p.idle = append(p.idle, c)
	if p.expiryTimer == nil {
		p.expiryTimer = time.AfterFunc(idleTimeout, p.closeExpired)
	}
}

// closeExpired earlyClose what has been idle for idleTimeout.
func (p *connPool) closeExpired() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expiryTimer = nil
	limit := time.Now().Add(-idleTimeout)
	old := 0
	for old < len(p.idle) && !p.idle[old].idleSince.After(limit) {
		p.idle[old].Close()
		old++
	}
	p.idle = slices.Delete(p.idle, 0, old)
	if len(p.idle) > 0 {
		p.expiryTimer = time.AfterFunc(time.Until(p.idle[0].idleSince.Add(idleTimeout)), p.closeExpired)
	}
}

// closeAll earlyClose every idle connection.
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
