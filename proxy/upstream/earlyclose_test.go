package upstream

import (
	"testing"
	"time"
)

func TestAfterAnEarlyCloseIdleConnectionsAreNotReused(t *testing.T) {
	t.Parallel()
	c, _ := connPair(t)
	c.earlyClose.recordClose(time.Now().Add(-earlyCloseWithin))
	if !c.earlyClose.allowsReuse(c, earlyCloseWait) {
		t.Error("not reused after an ordinary close")
	}
	c.earlyClose.recordClose(time.Now())
	if c.earlyClose.allowsReuse(c, earlyCloseWait) {
		t.Error("reused right after an early close")
	}
}

func TestAnUnknownEndpointGetsTimeToCloseItsConnection(t *testing.T) {
	t.Parallel()
	c, _ := connPair(t)
	start := time.Now()
	if !c.earlyClose.allowsReuse(c, 0) || time.Since(start) < earlyCloseWait {
		t.Errorf("returned after %v", time.Since(start))
	}
	_, u := serveCounting(t, "a")
	g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
	for range 3 {
		get(t, g, "/")
	}
	if !g.endpoints[0].earlyClose.keepsConns.Load() {
		t.Error("not known to keep connections after three responses")
	}
}
