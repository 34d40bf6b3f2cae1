package admin

import (
	"fmt"
	"testing"
	"time"
)

func TestThrottleDelaysTheFailuresOfAnAddress(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	th := newThrottle(100 * time.Millisecond)
	var delays []time.Duration
	refused := 0
	for range 100 {
		delay, ok := th.delay("10.0.0.7:1234", now)
		if !ok {
			refused++
			continue
		}
		delays = append(delays, delay)
	}
	if len(delays) != 60 || refused != 40 || delays[9] != 0 || delays[10] != 100*time.Millisecond || delays[59] != throttleMaxDelay {
		t.Errorf("%d delayed, %d refused: %v", len(delays), refused, delays)
	}
	for _, other := range []string{"10.0.0.8:1234", "[2001:db8::1]:1"} {
		if delay, ok := th.delay(other, now); delay != 0 || !ok {
			t.Errorf("%s: %v, %v", other, delay, ok)
		}
	}
	if delay, ok := th.delay("10.0.0.7:9", now.Add(time.Minute)); delay != 0 || !ok {
		t.Errorf("a minute later: %v, %v", delay, ok)
	}
}

func TestThrottleTreatsAnIPv6NetworkAsOneAddress(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	th := newThrottle(time.Second)
	for i := range throttleBurst {
		th.delay(fmt.Sprintf("[2001:db8::%x]:1", i), now)
	}
	if delay, _ := th.delay("[2001:db8::ffff]:1", now); delay != time.Second {
		t.Errorf("the same /64: %v", delay)
	}
	if delay, _ := th.delay("[2001:db8:0:1::1]:1", now); delay != 0 {
		t.Errorf("another /64: %v", delay)
	}
}

func TestThrottleIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	th := newThrottle(time.Second)
	for i := range throttleAddresses + 1000 {
		th.delay(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255), now)
	}
	if len(th.refilled) > throttleAddresses+1 {
		t.Errorf("%d addresses are kept", len(th.refilled))
	}
	th.delay("192.0.2.1:1", now.Add(time.Hour))
	if len(th.refilled) != 1 {
		t.Errorf("%d addresses are kept an hour later", len(th.refilled))
	}
}
