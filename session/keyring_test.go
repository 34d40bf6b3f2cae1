package session

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
	"wxgate/secret"
)

func rotated(secrets ...secret.Text) func(*Config) {
	return func(o *Config) { o.Secrets = secrets }
}

// JW-03.
func TestWeakSecretsAreRefused(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string][]secret.Text{
		"none": nil, "empty": {""}, "short": {"changeme"}, "31 bytes": {secret.Text(strings.Repeat("x", 31))}, "second short": {firstSecret, "short"},
	} {
		s := testConfig()
		s.Secrets = secrets
		if _, err := Open(s); err == nil || strings.Contains(err.Error(), "changeme") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRotationLogsNobodyOut(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	before := openStore(t, server, rotated(firstSecret))
	token, session := logIn(t, before, "oA")
	if err := before.UpdateJar(t.Context(), session, "shop", func([]byte) ([]byte, error) { return []byte("cookie"), nil }); err != nil {
		t.Fatal(err)
	}
	after := openStore(t, server, rotated(secondSecret, firstSecret))
	g := authenticated(t, after, token)
	if jar, err := after.Jar(t.Context(), session, "shop"); string(jar) != "cookie" || err != nil {
		t.Errorf("jar %q, %v", jar, err)
	}
	if key, err := after.SessionKey(t.Context(), &g.Session); err != nil || key != loginOf("oA").SessionKey {
		t.Errorf("session_key: %v", err)
	}
	fresh, err := after.Renew(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	done := openStore(t, server, rotated(secondSecret))
	authenticated(t, done, fresh.Value.Reveal())
	if key, err := done.SessionKey(t.Context(), &g.Session); err != nil || key != loginOf("oA").SessionKey {
		t.Errorf("session_key was not sealed anew when it was used: %v", err)
	}
	if _, err := done.Authenticate(t.Context(), token); !errors.Is(err, ErrTokenInvalid) {
		t.Errorf("a token of a secret that is gone: %v", err)
	}
	if counted(after.metrics.resealed) != 1 {
		t.Error("not counted")
	}
}

// Cached sessions outlive a rotation: they are all there is while Redis is unreachable.
func TestRotationWhileRedisIsAwayLogsNobodyOut(t *testing.T) {
	t.Parallel()
	for _, format := range []string{FormatJWT, FormatOpaque} {
		server := redistest.Start(t)
		s := openStore(t, server, func(o *Config) { o.TokenFormat = format })
		token, _ := logIn(t, s, "oA")
		authenticated(t, s, token)
		server.Stop()

		rotated := testConfig()
		rotated.Secrets = []secret.Text{secondSecret, firstSecret}
		if err := s.Configure(rotated); err != nil {
			t.Fatal(err)
		}
		authenticated(t, s, token)
		rotated.Secrets = []secret.Text{secondSecret}
		if err := s.Configure(rotated); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Authenticate(t.Context(), token); !errors.Is(err, ErrTokenInvalid) {
			t.Errorf("%s of a secret that is gone: %v", format, err)
		}
	}
}

// Sessions that are used, though not their keys, come under the new secret too.
func TestSessionKeysAreSealedAnewAsSessionsAreUsed(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	before := openStore(t, server, rotated(firstSecret))
	token, session := logIn(t, before, "oA")
	after := openStore(t, server, func(o *Config) {
		o.Secrets = []secret.Text{secondSecret, firstSecret}
		o.IdleTimeout = 4 * time.Second // uses are written every second
	})
	time.Sleep(10 * time.Millisecond)
	authenticated(t, after, token)
	testkit.Within(t, 5*time.Second, "sealed under the new secret", func() bool {
		sealed, err := after.redis.HGet(context.Background(), after.keys.sessions(tagOf(session.ID)), rawOf(session.ID)+"k").Result()
		return err == nil && after.config.Load().keys.current([]byte(sealed))
	})
	if key, err := after.SessionKey(t.Context(), session); err != nil || key != loginOf("oA").SessionKey {
		t.Errorf("session_key: %v", err)
	}
}

// A reload takes effect on tokens that were found good before.
func TestRemovedSecretIsRefusedAfterReload(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	token, _ := logIn(t, s, "oA")
	authenticated(t, s, token)
	settings := testConfig()
	settings.Secrets = []secret.Text{secondSecret}
	if err := s.Configure(settings); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Authenticate(t.Context(), token); !errors.Is(err, ErrTokenInvalid) {
		t.Error(err)
	}
	settings.TokenFormat = "paseto"
	if err := s.Configure(settings); err == nil {
		t.Error("nonsense is accepted")
	}
	fresh, _ := logIn(t, s, "oA")
	authenticated(t, s, fresh)
}

// SE-17: what is sealed for one opens for no other.
func TestSealedValueCopiedElsewhereDoesNotOpen(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), nil)
	_, a := logIn(t, s, "oA")
	_, b := logIn(t, s, "oB")
	ctx := t.Context()
	sealed, err := s.redis.HGet(ctx, s.keys.sessions(tagOf(a.ID)), rawOf(a.ID)+"k").Result()
	if err != nil || strings.Contains(sealed, loginOf("oA").SessionKey.Reveal()) {
		t.Fatalf("in the open: %v", err)
	}
	s.redis.HSet(ctx, s.keys.sessions(tagOf(b.ID)), rawOf(b.ID)+"k", sealed)
	if key, err := s.SessionKey(ctx, b); !errors.Is(err, ErrNotFound) || key != "" {
		t.Error(err)
	}
	if err := s.UpdateJar(ctx, a, "shop", func([]byte) ([]byte, error) { return []byte("a=1"), nil }); err != nil {
		t.Fatal(err)
	}
	jar, _ := s.redis.HGet(ctx, s.keys.jars(tagOf(a.ID)), rawOf(a.ID)+"shop").Result()
	s.redis.HSet(ctx, s.keys.jars(tagOf(a.ID)), rawOf(a.ID)+"bank", jar)
	if got, err := s.Jar(ctx, a, "bank"); got != nil || err != nil {
		t.Errorf("another backend's cookies: %q, %v", got, err)
	}
	ring := s.config.Load().keys
	one := ring.seal(jarPurpose, []byte("text"), "a", "bc")
	for name, open := range map[string]func() ([]byte, error){
		"other purpose": func() ([]byte, error) { return ring.open(loginResponsePurpose, one, "a", "bc") },
		"other cut":     func() ([]byte, error) { return ring.open(jarPurpose, one, "ab", "c") },
		"cut short":     func() ([]byte, error) { return ring.open(jarPurpose, one[:10], "a", "bc") },
		"empty":         func() ([]byte, error) { return ring.open(jarPurpose, nil, "a", "bc") },
		"one bit":       func() ([]byte, error) { one[len(one)-1] ^= 1; return ring.open(jarPurpose, one, "a", "bc") },
	} {
		if text, err := open(); err == nil {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// No key reveals anything of another, and no two secrets share one.
func TestEveryDerivedKeyIsItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range []secret.Text{firstSecret, secondSecret} {
		d := testkit.Value(derive([]byte(s)))
		for _, key := range []string{string(d.signing), string(d.opaque), d.kid, d.assertKid, string(testkit.Value(d.assertion.Bytes()))} {
			if seen[key] || strings.Contains(key, s.Reveal()) {
				t.Errorf("%x is used twice", key)
			}
			seen[key] = true
		}
		again := testkit.Value(derive([]byte(s)))
		if !again.assertion.Equal(d.assertion) || again.kid != d.kid || again.id != d.id {
			t.Error("another instance would arrive at other keys")
		}
	}
}
