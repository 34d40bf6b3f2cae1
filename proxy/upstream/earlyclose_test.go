package upstream

import (
	"testing"
	"time"
)

func TestATargetThatClosesEarlyIsRememberedForAWhile(t *testing.T) {
	t.Parallel()
	c, _ := pair(t)
	c.earlyClose.recordClose(time.Now().Add(-earlyCloseWithin))
	if !c.earlyClose.allowsReuse(c, earlyCloseWait) {
		t.Error("an ordinary close made it unfit")
	}
	c.earlyClose.recordClose(time.Now())
	if c.earlyClose.allowsReuse(c, earlyCloseWait) {
		t.Error("fit right after an early close")
	}
}

func TestANewEndpointIsGivenTimeToCloseItsConnection(t *testing.T) {
	t.Parallel()
	c, _ := pair(t)
	start := time.Now()
	if !c.earlyClose.allowsReuse(c, 0) || time.Since(start) < earlyCloseWait {
		t.Errorf("decided after %v", time.Since(start))
	}
	_, u := serveNamed(t, "a")
	g, _ := group(t, Config{Targets: targets(t, u)})
	for range 3 {
		get(t, g, "/")
	}
	if !g.endpoints[0].earlyClose.keepsConns.Load() {
		t.Error("three answers over a connection prove nothing")
	}
}
