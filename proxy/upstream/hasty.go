package upstream

import (
	"sync/atomic"
	"time"
)

const (
	hastyWithin = 50 * time.Millisecond
	hastyFor    = 5 * time.Second
)

// hasty remembers a target that offers to keep a connection and then closes it
// right after its first answer. For requests that must not be sent twice such
// connections are not used again: the close may be on its way.
type hasty struct {
	until atomic.Int64 // Unix nanoseconds
}

func (h *hasty) saw(now, answered time.Time) {
	if now.Sub(answered) < hastyWithin {
		h.until.Store(now.Add(hastyFor).UnixNano())
	}
}

func (h *hasty) is(now time.Time) bool {
	return now.UnixNano() < h.until.Load()
}
