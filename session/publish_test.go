package session

import (
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
)

// The change is made: its event is sent until Redis takes it.
func TestEventThatRedisDidNotTakeIsSentAgain(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := openStore(t, server, nil), openStore(t, server, nil)
	token, session := logIn(t, a, "oA")
	authenticated(t, b, token)
	circuit := a.redis.circuitOf(a.keys.events())
	circuit.open.Store(true)
	a.publish(t.Context(), eventEnded+" "+session.ID)
	authenticated(t, b, token) // which got no event
	circuit.open.Store(false)
	testkit.Within(t, time.Second, "the other instance is told", func() bool {
		_, err := b.Authenticate(t.Context(), token)
		return err != nil
	})
}

// If more events wait than are kept, every instance loads everything cached again.
func TestLostEventsMakeEverythingStale(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := openStore(t, server, nil), openStore(t, server, nil)
	token, session := logIn(t, a, "oA")
	authenticated(t, b, token)
	server.MustDo("DEL", a.keys.sessions(tagOf(session.ID))) // which no event tells of
	circuit := a.redis.circuitOf(a.keys.events())
	circuit.open.Store(true)
	for range maxUnpublished + 10 {
		a.publish(t.Context(), eventChanged+" nobody")
	}
	circuit.open.Store(false)
	testkit.Within(t, 5*time.Second, "the other instance asks", func() bool {
		_, err := b.Authenticate(t.Context(), token)
		return err != nil
	})
}
