package upstream

import (
	"sync/atomic"
	"time"
)

const (
	// idleOnce is how long a connection may have been idle to be used for a
	// request that must not be sent twice: less than any keep-alive time that
	// servers are configured with, which is a second at the least.
	idleOnce = 800 * time.Millisecond

	// settling is how long after its answer a close still belongs to it.
	settling = 50 * time.Millisecond

	hastyWithin = 50 * time.Millisecond // from the first answer to the close
	hastyFor    = 5 * time.Second       // without another such close
)

// keepAlive is what is known of how a peer keeps its connections. One that
// offers to keep them and yet closes them right after the first answer, as
// simple servers do, would have a request meet the close on its way; a request
// that must not be sent twice is then lost.
type keepAlive struct {
	proven atomic.Bool  // a second answer has come over some connection
	hasty  atomic.Int64 // until when it is taken for one that closes, in Unix nanoseconds
}

// kept notes an answer over a connection that was used before.
func (k *keepAlive) kept() {
	if !k.proven.Load() {
		k.proven.Store(true)
	}
}

// closed notes that the peer has closed a connection after its first answer.
func (k *keepAlive) closed(answered time.Time) {
	if time.Since(answered) < hastyWithin {
		k.proven.Store(false)
		k.distrust()
	}
}

// distrust has new connections used for a while, unless the peer has proven
// itself: then a close is no more than the end of a connection.
func (k *keepAlive) distrust() {
	if !k.proven.Load() {
		k.hasty.Store(time.Now().Add(hastyFor).UnixNano())
	}
}

// fitOnce reports whether a connection that has been idle for a while may carry
// a request that must not be sent twice. With a peer not known yet it waits
// until a close would have shown.
func (k *keepAlive) fitOnce(c *conn, idle time.Duration) bool {
	if idle > idleOnce || time.Now().UnixNano() < k.hasty.Load() {
		return false
	}
	if !k.proven.Load() && idle < settling {
		time.Sleep(settling - idle)
	}
	if c.dead.Load() || c.pending() {
		k.distrust()
		return false
	}
	return true
}
