package session

import (
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
)

func TestInvalidConfigIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"negative idle time": func(s *Config) { s.IdleTimeout = -1 }, "negative lifetime": func(s *Config) { s.MaxLifetime = -1 },
		"negative cache": func(s *Config) { s.CacheTTL = -1 }, "negative stale": func(s *Config) { s.StaleIfError = -1 },
		"negative token": func(s *Config) { s.TokenTTL = -1 }, "negative renewal": func(s *Config) { s.RenewBefore = -1 },
		"negative assertion": func(s *Config) { s.AssertionTTL = -1 }, "negative sessions": func(s *Config) { s.MaxPerUser = -1 },
		"format": func(s *Config) { s.TokenFormat = "JWT" },
	} {
		s := testConfig()
		change(&s)
		if _, err := Open(s); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestStoreIsReadyOnlyWithRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := openStore(t, server, nil)
	server.Stop()
	if err := s.Ready(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
	server.Start()
	testkit.Within(t, 3*time.Second, "ready again", func() bool { return s.Ready(t.Context()) == nil })
}

// Known to Redis as CLUSTER KEYSLOT.
func TestSlotIsTheClusters(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]int{"123456789": 12739, "foo": 12182, "{foo}bar": 12182, "x{foo}": 12182, "{}foo": 9500, "": 0} {
		if got := slot(key); got != want {
			t.Errorf("%q: %d, not %d", key, got, want)
		}
	}
}

// Not parallel: the goroutines of other tests would count.
func TestClosingLeavesNothingBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	s, err := Open(testConfig())
	if err != nil {
		t.Fatal(err)
	}
	token, _ := logIn(t, s, "oA")
	stop := s.Watch(authenticated(t, s, token), func() {})
	stop.Stop()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	goleak.VerifyNone(t, before)
}
