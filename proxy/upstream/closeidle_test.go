package upstream

import (
	"testing"
	"time"

	"wxgate/internal/testkit"
)

func TestConnectionsAreClosedAfterTheIdleTimeout(t *testing.T) {
	t.Parallel()
	old, oldClosed := idleConn(t, idleTimeout+time.Second)
	recent, recentClosed := idleConn(t, idleTimeout-time.Minute/4)
	pool := connPool{idle: []*persistConn{old, recent}}
	pool.closeExpired()
	if !oldClosed() || recentClosed() {
		t.Errorf("closed: %v after the timeout, %v before it", oldClosed(), recentClosed())
	}
	if len(pool.idle) != 1 || pool.idle[0] != recent || pool.expiryTimer == nil {
		t.Errorf("%d connections are left, timer %v", len(pool.idle), pool.expiryTimer)
	}
	pool.closeAll()
	if !recentClosed() || pool.idle != nil || pool.expiryTimer != nil {
		t.Error("closeAll left a connection or the timer")
	}
}

func TestThePoolClosesAnExpiredConnectionByItself(t *testing.T) {
	t.Parallel()
	recent, closed := idleConn(t, idleTimeout-50*time.Millisecond)
	pool := connPool{idle: []*persistConn{recent}}
	pool.closeExpired() // starts the timer
	testkit.Eventually(t, "closed", closed)
}
