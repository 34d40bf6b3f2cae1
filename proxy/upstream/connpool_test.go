package upstream

import (
	"io"
	"net"
	"testing"
	"time"
)

// idleConn returns a connection that has been idle for so long, and reports by closed
// whether it was closed.
func idleConn(t *testing.T, idle time.Duration) (pc *persistConn, closed func() bool) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	closed = func() bool {
		far.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		_, err := far.Read(make([]byte, 1))
		return err == io.EOF
	}
	return &persistConn{Conn: near, idleSince: time.Now().Add(-idle)}, closed
}

func TestThePoolReturnsTheMostRecentlyUsedConnectionWithinTheLimits(t *testing.T) {
	t.Parallel()
	long, _ := idleConn(t, 20*time.Second)
	middle, _ := idleConn(t, 2*time.Second)
	short, _ := idleConn(t, 0)
	for name, c := range map[string]struct {
		minIdle, maxIdle time.Duration
		want             *persistConn
	}{
		"no limit":           {0, time.Minute, short},
		"at least a second":  {time.Second, time.Minute, middle},
		"at least 10 s":      {10 * time.Second, time.Minute, long},
		"1 s to 1.5 s":       {time.Second, 1500 * time.Millisecond, nil},
		"at least 30 s":      {30 * time.Second, time.Minute, nil},
		"less than 0":        {0, -time.Second, nil},
		"a second to 10 s":   {time.Second, 10 * time.Second, middle},
		"10 s to 15 s, none": {10 * time.Second, 15 * time.Second, nil},
	} {
		pool := connPool{idle: []*persistConn{long, middle, short}}
		if got := pool.acquire(c.minIdle, c.maxIdle); got != c.want {
			t.Errorf("%s: got %v instead of %v", name, got, c.want)
		}
		if removed := 3 - len(pool.idle); (removed == 1) != (c.want != nil) {
			t.Errorf("%s: %d connections were removed", name, removed)
		}
	}
}

func TestAFullPoolClosesFurtherConnections(t *testing.T) {
	t.Parallel()
	pool := connPool{idle: make([]*persistConn, maxIdleConns)}
	pc, closed := idleConn(t, 0)
	pool.release(pc)
	if !closed() || len(pool.idle) != maxIdleConns {
		t.Errorf("closed: %v, %d connections", closed(), len(pool.idle))
	}
}
