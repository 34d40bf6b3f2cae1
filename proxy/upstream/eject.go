package upstream

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxEjectDoublings = 3           // doublings at most: eight times Eject.For
	ejectResetAfter   = 8           // after so many times Eject.For without an ejection growth starts anew
	halfOpenInterval  = time.Second // between requests to a half-open endpoint
)

// ejection is the passive check of one endpoint: a circuit breaker. It is
// closed, open until a time (ejected), or, after that time, half-open: one
// request a second is sent until one succeeds; the first to fail ejects the
// endpoint again, for twice as long.
type ejection struct {
	config Eject

	// Both are read without the lock for each good response.
	failures atomic.Int32 // in a row
	until    atomic.Int64 // Unix nanoseconds; 0: not ejected

	mu           sync.Mutex
	ejectedAt    time.Time // of the current ejection
	recoveredAt  time.Time // from the last one
	lastHalfOpen time.Time // when a request was last sent while half-open
	consecutive  int       // ejections in a row, beyond the first
}

// allows reports whether a request may be sent now.
func (e *ejection) allows(now time.Time) bool {
	until := e.until.Load()
	if until == 0 {
		return true
	}
	if now.UnixNano() < until {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return now.Sub(e.lastHalfOpen) >= halfOpenInterval
}

// recordSent notes that a request is sent.
func (e *ejection) recordSent(now time.Time) {
	if e.until.Load() == 0 {
		return
	}
	e.mu.Lock()
	e.lastHalfOpen = now
	e.mu.Unlock()
}

// hasNoFailures reports whether a good response changes nothing.
func (e *ejection) hasNoFailures() bool {
	return e.failures.Load() == 0 && e.until.Load() == 0
}

// succeeded notes the good response to a request begun at the given time and
// reports whether it ended an ejection.
func (e *ejection) recordSuccess(begun, now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	ejected := e.until.Load() != 0
	if ejected && begun.Before(e.ejectedAt) {
		return false // says nothing about the time since
	}
	e.failures.Store(0)
	e.until.Store(0)
	if ejected {
		e.recoveredAt = now
	}
	return ejected
}

// failed notes a failure and reports whether it ejected the endpoint.
func (e *ejection) recordFailure(begun, now time.Time) bool {
	if e.config.Failures == 0 {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	until := e.until.Load()
	switch {
	case until == 0:
		if int(e.failures.Add(1)) < e.config.Failures {
			return false
		}
		if now.Sub(e.recoveredAt) > ejectResetAfter*e.config.For {
			e.consecutive = -1
		}
	case now.UnixNano() < until || begun.UnixNano() < until:
		return false // ejected already, or begun before it was half-open
	}
	e.eject(now)
	return true
}

// eject for twice as long as the last time.
func (e *ejection) eject(now time.Time) {
	e.consecutive = min(e.consecutive+1, maxEjectDoublings)
	e.ejectedAt = now
	e.until.Store(now.Add(e.config.For << e.consecutive).UnixNano())
}

// ejectedUntil is the end of the current ejection, zero when there is none.
func (e *ejection) ejectedUntil() time.Time {
	until := e.until.Load()
	if until == 0 {
		return time.Time{}
	}
	return time.Unix(0, until)
}
