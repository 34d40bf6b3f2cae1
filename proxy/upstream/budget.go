package upstream

import (
	"sync/atomic"
	"time"
)

const (
	retryPrice = 5  // requests that earn one retry
	retrySaved = 50 // requests' worth that can be saved up: ten retries
	retryFloor = time.Second
)

// budget keeps retries at a fifth of the requests, so that a sick backend is
// not stormed. Ten retries can be saved up; when all are spent one a second is
// still granted, so that a group with little traffic can retry too.
type budget struct {
	spent   atomic.Int64 // 0: all of retrySaved is there
	granted atomic.Int64 // when a retry was last granted, in Unix nanoseconds
}

// earn is called once for each request.
func (b *budget) earn() {
	if b.spent.Load() > 0 {
		b.spent.Add(-1)
	}
}

// take reports whether one more retry may be made.
func (b *budget) take(now time.Time) bool {
	last := b.granted.Load()
	if b.spent.Add(retryPrice) <= retrySaved {
		b.granted.Store(now.UnixNano())
		return true
	}
	b.spent.Add(-retryPrice)
	return now.UnixNano()-last >= int64(retryFloor) && b.granted.CompareAndSwap(last, now.UnixNano())
}
