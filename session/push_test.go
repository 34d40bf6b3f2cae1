package session

import (
	"errors"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit/redistest"
)

func claimed(t *testing.T, s *Store, id string) *PushClaim {
	t.Helper()
	c, reply, err := s.ClaimPush(t.Context(), appid, id, 4*time.Second)
	if c == nil || reply != nil || err != nil {
		t.Fatalf("message %s: claim %v, reply %q, %v", id, c, reply, err)
	}
	return c
}

func TestMessageIsHandledOnceOverAllInstances(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := openStore(t, server, nil), openStore(t, server, nil)
	claim := claimed(t, a, "1")
	if _, _, err := b.ClaimPush(t.Context(), appid, "1", time.Second); !errors.Is(err, ErrPushBusy) {
		t.Errorf("a second claim: %v", err)
	}
	claimed(t, b, "2") // another message is nobody's business
	if _, _, err := b.ClaimPush(t.Context(), "wx-another-app", "1", time.Second); err != nil {
		t.Errorf("another app's message of the same id: %v", err)
	}
	if err := claim.Finish(t.Context(), []byte("<xml>a private reply</xml>")); err != nil {
		t.Fatal(err)
	}
	again, reply, err := b.ClaimPush(t.Context(), appid, "1", time.Second)
	if again != nil || string(reply) != "<xml>a private reply</xml>" || err != nil {
		t.Errorf("a repeat: claim %v, reply %q, %v", again, reply, err)
	}
	if raw, err := server.Do("GET", a.keys.push(claim.message)); err != nil || raw == "" || strings.Contains(raw, "private") {
		t.Errorf("the reply is not there, or readable: %q, %v", raw, err)
	}
}

func TestReleasedAndLapsedClaimsAreTakenOver(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := openStore(t, server, nil), openStore(t, server, nil)
	if err := claimed(t, a, "1").Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	claimed(t, b, "1")

	lapsed := claimed(t, a, "2")
	if _, err := server.Do("DEL", a.keys.push(lapsed.message)); err != nil { // as its time to live would
		t.Fatal(err)
	}
	current := claimed(t, b, "2")
	if err := lapsed.Finish(t.Context(), []byte("late")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.ClaimPush(t.Context(), appid, "2", time.Second); !errors.Is(err, ErrPushBusy) {
		t.Errorf("a late end took the claim from its holder: %v", err)
	}
	if err := lapsed.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := current.Finish(t.Context(), []byte("current")); err != nil {
		t.Fatal(err)
	}
	if _, reply, err := a.ClaimPush(t.Context(), appid, "2", time.Second); string(reply) != "current" || err != nil {
		t.Errorf("reply %q, %v", reply, err)
	}
	server.Stop()
	if _, _, err := a.ClaimPush(t.Context(), appid, "3", time.Second); !errors.Is(err, ErrUnavailable) {
		t.Errorf("without Redis: %v", err)
	}
}
