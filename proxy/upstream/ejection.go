package upstream

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxEjectDoublings = 3           // an ejection lasts at most eight times Eject.For
	ejectResetAfter   = 8           // times Eject.For: after so long without an ejection, the next one lasts Eject.For again
	halfOpenInterval  = time.Second // between requests to a half-open endpoint
)

// ejection is the passive check of one endpoint, a circuit breaker. It is closed; open
// until a time (ejected); or, after that time, half-open: one request a second is sent.
// The first success closes it. The first failure ejects the endpoint again, for twice
// as long.
type ejection struct {
	config Eject

	// Both are read without the lock for each successful response.
	failures atomic.Int32 // consecutive
	until    atomic.Int64 // Unix nanoseconds; 0: not ejected

	mu           sync.Mutex
	ejectedAt    time.Time // start of the current ejection
	recoveredAt  time.Time // end of the last ejection
	lastHalfOpen time.Time // when a request was last sent while half-open
	doublings    int       // doublings of the last ejection
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

// recordSent records that a request is sent.
func (e *ejection) recordSent(now time.Time) {
	if e.until.Load() == 0 {
		return
	}
	e.mu.Lock()
	e.lastHalfOpen = now
	e.mu.Unlock()
}

// hasNoFailures reports whether a success would change nothing: the last response was a
// success and the endpoint isn't ejected.
func (e *ejection) hasNoFailures() bool {
	return e.failures.Load() == 0 && e.until.Load() == 0
}

// recordSuccess records the success of a request that was sent at startedAt, and
// reports whether it ended an ejection.
func (e *ejection) recordSuccess(startedAt, now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	ejected := e.until.Load() != 0
	if ejected && startedAt.Before(e.ejectedAt) {
		return false // the request was sent before the ejection
	}
	e.failures.Store(0)
	e.until.Store(0)
	if ejected {
		e.recoveredAt = now
	}
	return ejected
}

// recordFailure records the failure of a request that was sent at startedAt, and
// reports whether it ejected the endpoint.
func (e *ejection) recordFailure(startedAt, now time.Time) bool {
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
			e.doublings = -1 // eject makes it 0
		}
	case now.UnixNano() < until || startedAt.UnixNano() < until:
		return false // already ejected, or sent before it was half-open
	}
	e.eject(now)
	return true
}

// eject ejects the endpoint for twice as long as the last time.
func (e *ejection) eject(now time.Time) {
	e.doublings = min(e.doublings+1, maxEjectDoublings)
	e.ejectedAt = now
	e.until.Store(now.Add(e.config.For << e.doublings).UnixNano())
}

// ejectedUntil is the end of the current ejection, zero if the endpoint isn't
// ejected.
func (e *ejection) ejectedUntil() time.Time {
	until := e.until.Load()
	if until == 0 {
		return time.Time{}
	}
	return time.Unix(0, until)
}
