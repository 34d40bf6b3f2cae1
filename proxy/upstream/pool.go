package upstream

import (
	"slices"
	"sync"
	"time"
)

// connPool holds the idle connections of an endpoint.
type connPool struct {
	mu    sync.Mutex
	idle  []*persistConn // the longest idle first
	prune *time.Timer
}

// idleConn takes an idle connection that the request may use out of the pool.
//
// A request that must not be sent twice takes none that the endpoint may be
// about to close: none that has been idle for long, and none right after its
// response while the endpoint is not known to keep connections.
func (h *http1) idleConn(a *attempts) *persistConn {
	switch {
	case a.newConnOnly:
		return nil
	case !a.nonIdempotent:
		return h.pool.take(0, idleFor)
	case h.closes.closesEarly():
		return nil
	case h.closes.keepsConns.Load():
		return h.pool.take(0, idleNonIdempotentMax)
	}
	return h.pool.take(earlyCloseWait, idleNonIdempotentMax)
}

// take removes the connection that was used last among those that have been
// idle for a time between least and most.
func (p *connPool) take(least, most time.Duration) *persistConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	now := time.Now()
	for i, c := range slices.Backward(p.idle) {
		idle := now.Sub(c.idleAt)
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
func (p *connPool) put(c *persistConn) {
	c.becomeIdle(time.Now())
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) >= maxIdle {
		c.Close()
		return
	}
	p.idle = append(p.idle, c)
	if p.prune == nil {
		p.prune = time.AfterFunc(idleFor, p.closeOld)
	}
}

// closeOld closes what has been idle for idleFor.
func (p *connPool) closeOld() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.prune = nil
	limit := time.Now().Add(-idleFor)
	old := 0
	for old < len(p.idle) && !p.idle[old].idleAt.After(limit) {
		p.idle[old].Close()
		old++
	}
	p.idle = slices.Delete(p.idle, 0, old)
	if len(p.idle) > 0 {
		p.prune = time.AfterFunc(time.Until(p.idle[0].idleAt.Add(idleFor)), p.closeOld)
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
	if p.prune != nil {
		p.prune.Stop()
		p.prune = nil
	}
}
