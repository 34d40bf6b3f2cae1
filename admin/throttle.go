package admin

import (
	"net/netip"
	"sync"
	"time"
)

const (
	throttleBurst     = 10              // failures of an address that are answered at once
	throttleMaxDelay  = 5 * time.Second // a failure that would wait longer is refused unseen
	throttleAddresses = 10_000          // that are told apart; more share one entry
)

// throttle spaces the failed authentications of each address, however many
// connections it uses: ten at once, then one each interval.
type throttle struct {
	interval time.Duration
	mu       sync.Mutex
	next     map[netip.Prefix]time.Time // when the burst of an address is whole again
}

func newThrottle(interval time.Duration) *throttle {
	return &throttle{interval: interval, next: map[netip.Prefix]time.Time{}}
}

// delay counts a failure and says how long its answer has to wait. ok is false
// where that is too long; then the failure isn't counted, and delay says when to
// try again.
func (t *throttle) delay(remote string, now time.Time) (delay time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := t.key(remote, now)
	full := t.next[key]
	if full.Before(now) {
		full = now
	}
	delay = max(full.Sub(now)-(throttleBurst-1)*t.interval, 0)
	if delay > throttleMaxDelay {
		return throttleMaxDelay, false
	}
	t.next[key] = full.Add(t.interval)
	return delay, true
}

// key is the address, an IPv6 one as the network of /64 that a single host has.
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
	if _, known := t.next[prefix]; !known && len(t.next) >= throttleAddresses {
		t.forget(now)
	}
	if _, known := t.next[prefix]; !known && len(t.next) >= throttleAddresses {
		return netip.Prefix{}
	}
	return prefix
}

// forget drops the addresses whose burst is whole again.
func (t *throttle) forget(now time.Time) {
	for prefix, full := range t.next {
		if !full.After(now) {
			delete(t.next, prefix)
		}
	}
}
