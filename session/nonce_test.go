package session

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
)

func TestNonceIsUsedOnceOverAllInstances(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	stores := []*Store{openStore(t, server, nil), openStore(t, server, nil)}
	user := &Session{AppID: appid, OpenID: "o1"}
	until := time.Now().Add(3 * time.Minute)
	var firsts atomic.Int32
	var uses sync.WaitGroup
	for i := range 20 {
		uses.Go(func() {
			first, err := stores[i%2].UseNonce(t.Context(), user, "nonce-0123456789", until)
			if err != nil {
				t.Error(err)
			}
			if first {
				firsts.Add(1)
			}
		})
	}
	uses.Wait()
	if firsts.Load() != 1 {
		t.Errorf("%d of 20 were the first", firsts.Load())
	}
	for _, other := range []*Session{{AppID: appid, OpenID: "o2"}, {AppID: "wx-another-app", OpenID: "o1"}} {
		if first, err := stores[0].UseNonce(t.Context(), other, "nonce-0123456789", until); !first || err != nil {
			t.Errorf("another user's: %v, %v", first, err)
		}
	}
}

func TestNonceIsForgottenAfterItsTime(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := openStore(t, server, nil)
	user := &Session{AppID: appid, OpenID: "o1"}
	if first, err := s.UseNonce(t.Context(), user, "nonce-0123456789", time.Now().Add(30*time.Millisecond)); !first || err != nil {
		t.Fatal(first, err)
	}
	testkit.Within(t, 5*time.Second, "forgotten", func() bool {
		first, err := s.UseNonce(t.Context(), user, "nonce-0123456789", time.Now().Add(30*time.Millisecond))
		return first && err == nil
	})
}

func TestWithoutRedisAnInstanceKnowsItsOwnNonces(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := openStore(t, server, nil)
	user := &Session{AppID: appid, OpenID: "o1"}
	until := time.Now().Add(3 * time.Minute)
	if first, err := s.UseNonce(t.Context(), user, "nonce-0123456789", until); !first || err != nil {
		t.Fatal(first, err)
	}
	server.Stop()
	if first, err := s.UseNonce(t.Context(), user, "nonce-0123456789", until); first || err != nil {
		t.Errorf("used here before: %v, %v", first, err)
	}
	if first, err := s.UseNonce(t.Context(), user, "nonce-another-one", until); !first || !errors.Is(err, ErrUnavailable) {
		t.Errorf("not known here: %v, %v", first, err)
	}
}
