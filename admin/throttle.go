package admin

import (
	"net/netip"
	"sync"
	"time"
)

const (
	throttleBurst     = 10              // failures of an address that are not delayed
	throttleMaxDelay  = 5 * time.Second // a failure that would be delayed longer is refused at once
	throttleAddresses = 10_000          // bounds the memory; further addresses share one entry
)

// throttle limits the rate of failed authentications of each address, over all its
// connections: a burst of ten, then one per interval.
type throttle struct {
	interval time.Duration
	mu       sync.Mutex
	refilled map[netip.Prefix]time.Time // when the full burst is available again
}

func newThrottle(interval time.Duration) *throttle {
	return &throttle{interval: interval, refilled: map[netip.Prefix]time.Time{}}
}

// delay counts a failure and returns how long its response must be delayed. ok is
// false if that is more than throttleMaxDelay; then the failure isn't counted, and
// delay is the time to wait before the next try.
func (t *throttle) delay(remote string, now time.Time) (delay time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := t.key(remote, now)
	refilled := t.refilled[key]
	if refilled.Before(now) {
		refilled = now
	}
	delay = max(refilled.Sub(now)-(throttleBurst-1)*t.interval, 0)
	if delay > throttleMaxDelay {
		return throttleMaxDelay, false
	}
	t.refilled[key] = refilled.Add(t.interval)
	return delay, true
}

// key returns the address or, for IPv6, its /64 network, which a single host may use.
// It returns the zero value for the addresses beyond throttleAddresses.
func (t *throttle) key(remote string, now time.Time) netip.Prefix {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	addr, bits := peer.Addr().Unmap().WithZone(""), 32
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits)
	if _, known := t.refilled[prefix]; !known && len(t.refilled) >= throttleAddresses {
		t.evict(now)
	}
	if _, known := t.refilled[prefix]; !known && len(t.refilled) >= throttleAddresses {
		return netip.Prefix{}
	}
	return prefix
}

// evict removes the addresses whose full burst is available again.
func (t *throttle) evict(now time.Time) {
	for prefix, refilled := range t.refilled {
		if !refilled.After(now) {
			delete(t.refilled, prefix)
		}
	}
}
