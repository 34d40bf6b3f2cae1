package upstream

import (
	"testing"
	"time"
)

func TestHealthOfAStatus(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for want, s := range map[string]TargetStatus{
		"healthy":   {Healthy: true},
		"unhealthy": {Healthy: false, EjectedUntil: now.Add(time.Minute)},
		"ejected":   {Healthy: true, EjectedUntil: now.Add(time.Minute)},
		"half_open": {Healthy: true, EjectedUntil: now.Add(-time.Minute)},
	} {
		if got := s.Health(now); got != want {
			t.Errorf("%+v: %s, want %s", s, got, want)
		}
	}
}
