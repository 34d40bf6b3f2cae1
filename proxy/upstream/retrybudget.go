package upstream

import (
	"sync/atomic"
	"time"
)

const (
	retryCost        = 5           // requests per retry
	maxRetryBalance  = 50          // in requests: ten retries
	retryMinInterval = time.Second // between retries that an empty budget still allows
)

// retryBudget limits retries to a fifth of the requests, so that they don't multiply
// the load on an unhealthy backend. At most ten retries are saved up. With an empty
// budget one retry a second is still allowed, so that a group with little traffic can
// retry too.
type retryBudget struct {
	spent       atomic.Int64 // the used part of maxRetryBalance, in requests
	lastGranted atomic.Int64 // time of the last retry, in Unix nanoseconds
}

// deposit is called for each request.
func (b *retryBudget) deposit() {
	if b.spent.Load() > 0 {
		b.spent.Add(-1)
	}
}

// withdraw reports whether a retry may be made now, and deducts it.
func (b *retryBudget) withdraw(now time.Time) bool {
	last := b.lastGranted.Load()
	if b.spent.Add(retryCost) <= maxRetryBalance {
		b.lastGranted.Store(now.UnixNano())
		return true
	}
	b.spent.Add(-retryCost)
	return now.UnixNano()-last >= int64(retryMinInterval) && b.lastGranted.CompareAndSwap(last, now.UnixNano())
}
