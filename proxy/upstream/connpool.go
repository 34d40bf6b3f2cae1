package upstream

import (
	"slices"
	"sync"
	"time"
)

// maxIdleConns is how many idle connections are kept per endpoint.
const maxIdleConns = 1024

// connPool is the connection pool of an endpoint for HTTP/1.1 without TLS: it holds the
// idle connections.
type connPool struct {
	mu          sync.Mutex
	idle        []*persistConn // the one that has been idle the longest first
	expiryTimer *time.Timer    // calls closeExpired; nil: no connection is idle
}

// acquire removes and returns the most recently used connection among those that have
// been idle for minIdle to maxIdle. It returns nil if there is none.
func (p *connPool) acquire(minIdle, maxIdle time.Duration) *persistConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	now := time.Now()
	for i, c := range slices.Backward(p.idle) {
		idle := now.Sub(c.idleSince)
		if idle > maxIdle {
			return nil
		}
		if idle >= minIdle {
			p.idle = slices.Delete(p.idle, i, i+1)
			return c
		}
	}
	return nil
}

// release adds a connection that a request is done with. A full pool closes it.
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
