package session

import (
	"errors"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
)

// `wxgate dev` stops and starts its store to show an outage.
func TestMemoryThatWasStoppedComesBackWithWhatItHolds(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, func(c *Config) { c.CacheTTL = time.Nanosecond })
	token, _ := logIn(t, s, "o-alice")
	authenticated(t, s, token)
	if err := s.StopMemory(); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := s.Login(t.Context(), loginOf("o-bob")); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a login while it is stopped: %v", err)
	}
	authenticated(t, s, token) // StaleIfError
	if err := s.StartMemory(); err != nil {
		t.Fatal(err)
	}
	testkit.Within(t, 10*time.Second, "ready again", func() bool { return s.Ready(t.Context()) == nil })
	authenticated(t, s, token)
	logIn(t, s, "o-bob")
}

func TestARealRedisIsNotStopped(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), nil)
	if s.StopMemory() == nil || s.StartMemory() == nil {
		t.Error("it can be stopped")
	}
	logIn(t, s, "o-alice")
}
