package upstream

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	ejectGrowth = 3           // doublings at most: eight times Eject.For
	ejectMemory = 8           // so many times Eject.For without an ejection, and growth starts anew
	trialEvery  = time.Second // requests let through to a target on trial
)

// ejection is the passive check of one peer. A peer is in, out until a time,
// or, after that time, on trial: one request a second is let through until one
// succeeds, and the first to fail puts the peer out again for twice as long.
type ejection struct {
	rule Eject

	// Both are read without the lock on the way of each good answer.
	failures atomic.Int32 // in a row
	until    atomic.Int64 // Unix nanoseconds; 0: in

	mu    sync.Mutex
	since time.Time // of the current ejection
	ended time.Time // of the last one
	trial time.Time // of the last request let through on trial
	times int       // ejections in a row, beyond the first
}

// admits reports whether a request may be sent now.
func (e *ejection) admits(now time.Time) bool {
	until := e.until.Load()
	if until == 0 {
		return true
	}
	if now.UnixNano() < until {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return now.Sub(e.trial) >= trialEvery
}

// chosen notes that a request is sent.
func (e *ejection) chosen(now time.Time) {
	if e.until.Load() == 0 {
		return
	}
	e.mu.Lock()
	e.trial = now
	e.mu.Unlock()
}

// clean reports whether a good answer changes nothing.
func (e *ejection) clean() bool {
	return e.failures.Load() == 0 && e.until.Load() == 0
}

// succeeded notes the good answer to a request begun at the given time and
// reports whether it brought the peer back in.
func (e *ejection) succeeded(begun, now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := e.until.Load() != 0
	if out && begun.Before(e.since) {
		return false // says nothing about the time since
	}
	e.failures.Store(0)
	e.until.Store(0)
	if out {
		e.ended = now
	}
	return out
}

// failed notes a failure and reports whether it put the peer out.
func (e *ejection) failed(begun, now time.Time) bool {
	if e.rule.Failures == 0 {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	until := e.until.Load()
	switch {
	case until == 0:
		if int(e.failures.Add(1)) < e.rule.Failures {
			return false
		}
		if now.Sub(e.ended) > ejectMemory*e.rule.For {
			e.times = -1
		}
	case now.UnixNano() < until || begun.UnixNano() < until:
		return false // out already, or begun before the trial
	}
	e.put(now)
	return true
}

// put out, for twice as long as the last time.
func (e *ejection) put(now time.Time) {
	e.times = min(e.times+1, ejectGrowth)
	e.since = now
	e.until.Store(now.Add(e.rule.For << e.times).UnixNano())
}

// outUntil is the end of the current ejection, zero when there is none.
func (e *ejection) outUntil() time.Time {
	until := e.until.Load()
	if until == 0 {
		return time.Time{}
	}
	return time.Unix(0, until)
}
