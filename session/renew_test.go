package session

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"wxgate/internal/testkit/redistest"
)

func TestRenewedTokenAndTheOldOneBothWork(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for _, format := range []string{FormatJWT, FormatOpaque} {
		in := func(o *Config) { o.TokenFormat = format }
		a, b := openStore(t, server, in), openStore(t, server, in)
		old, session := logIn(t, a, "oA")
		fresh, err := a.Renew(t.Context(), authenticated(t, a, old))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []*Store{a, b} {
			for _, token := range []string{old, fresh.Value.Reveal()} {
				if g := authenticated(t, s, token); g.Session.ID != session.ID {
					t.Errorf("%s: session %s", format, g.Session.ID)
				}
			}
		}
		if _, err := b.End(t.Context(), session.ID, CauseLogout); err != nil {
			t.Fatal(err)
		}
		for _, token := range []string{old, fresh.Value.Reveal()} {
			eventuallyEnded(t, a, token)
			eventuallyEnded(t, b, token)
		}
	}
}

func TestTokenIsDueOnlyNearItsEnd(t *testing.T) {
	t.Parallel()
	var c clock
	s := openStore(t, nil, func(o *Config) { o.Now = c.now })
	token, _ := logIn(t, s, "oA")
	if s.NeedsRenewal(authenticated(t, s, token)) {
		t.Error("due at once")
	}
	c.advance(91 * time.Minute)
	if !s.NeedsRenewal(authenticated(t, s, token)) {
		t.Error("not due with less than renew_before left")
	}
}

// SE-05: many concurrent renewals over two instances, with the
// same token, is not logged out by it: each token that anyone got works.
func TestConcurrentRenewalsKeepEveryTokenGood(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for _, format := range []string{FormatJWT, FormatOpaque} {
		in := func(o *Config) { o.TokenFormat = format }
		stores := []*Store{openStore(t, server, in), openStore(t, server, in)}
		old, _ := logIn(t, stores[0], "oA")
		var mu sync.Mutex
		tokens := map[string]bool{old: true}
		var clients sync.WaitGroup
		for i := range 50 {
			clients.Go(func() {
				fresh, err := stores[i%2].Renew(t.Context(), authenticated(t, stores[i%2], old))
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				tokens[fresh.Value.Reveal()] = true
			})
		}
		clients.Wait()
		for token := range tokens {
			authenticated(t, stores[0], token)
			authenticated(t, stores[1], token)
		}
		if len(tokens) > 3 {
			t.Errorf("%s: %d tokens for 50 requests on two instances", format, len(tokens)-1)
		}
	}
}

func TestOpaqueTokensOfASessionAreBounded(t *testing.T) {
	t.Parallel()
	var c clock
	server := redistest.Start(t)
	s := openStore(t, server, func(o *Config) { o.Now = c.now; o.TokenFormat = FormatOpaque })
	token, session := logIn(t, s, "oA")
	first := token
	for range 2 * maxOpaqueTokens {
		c.advance(renewalPause)
		fresh, err := s.Renew(t.Context(), authenticated(t, s, token))
		if err != nil {
			t.Fatal(err)
		}
		token = fresh.Value.Reveal()
	}
	if kept := fieldsOf(t, s, session, "t"); len(kept) != maxOpaqueTokens {
		t.Errorf("%d tokens are kept", len(kept))
	}
	authenticated(t, s, token)
	if _, err := openStore(t, server, func(o *Config) { o.Now = c.now }).Authenticate(t.Context(), first); !errors.Is(err, ErrTokenInvalid) {
		t.Errorf("the first of so many: %v", err)
	}
}

// A token's end is followed by its MAC in Redis. One that begins with a digit doesn't
// make the end later, and the oldest token the last to go.
func TestTheOldestOpaqueTokenGoesWhateverItsMAC(t *testing.T) {
	t.Parallel()
	var c clock
	s := openStore(t, nil, func(o *Config) { o.Now, o.TokenFormat = c.now, FormatOpaque })
	token, session := logInWithDigitInMAC(t, s, "t")
	key := s.keys.sessions(tagOf(session.ID))
	oldest := fieldsOf(t, s, session, "t")[0]
	for range maxOpaqueTokens {
		c.advance(renewalPause)
		fresh, err := s.Renew(t.Context(), authenticated(t, s, token))
		if err != nil {
			t.Fatal(err)
		}
		token = fresh.Value.Reveal()
	}
	if there, err := s.redis.HExists(t.Context(), key, oldest).Result(); there || err != nil {
		t.Errorf("the first of so many tokens is still there: %v, %v", there, err)
	}
}

// Redis holds nothing that a token could be made from.
func TestOpaqueTokensAreStoredHashed(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, func(o *Config) { o.TokenFormat = FormatOpaque })
	token, session := logIn(t, s, "oA")
	_, secretPart, _ := strings.Cut(token, ".")
	raw, err := strictBase64.DecodeString(secretPart)
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.redis.HGetAll(t.Context(), s.keys.sessions(tagOf(session.ID))).Result()
	if err != nil {
		t.Fatal(err)
	}
	for field, value := range all {
		for _, piece := range []string{token, secretPart, string(raw), string(raw[:opaqueRandom])} {
			if strings.Contains(field+value, piece) {
				t.Errorf("field %q holds the token", field)
			}
		}
	}
}

func TestRenewingAnEndedSessionSaysSo(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := openStore(t, server, nil), openStore(t, server, nil)
	token, session := logIn(t, a, "oA")
	g := authenticated(t, a, token)
	if _, err := b.End(t.Context(), session.ID, CauseLogout); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Renew(t.Context(), g); !errors.Is(err, ErrSessionEnded) {
		t.Error(err)
	}
}

// A renewal whose client goes away is not lost to the others who wait for it.
func TestOneClientLeavingLeavesTheOthersTheirAnswer(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := openStore(t, server, func(o *Config) { o.CacheTTL = time.Nanosecond })
	token, _ := logIn(t, s, "oA")
	authenticated(t, s, token)
	server.Pause()
	leaving, leave := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { _, err := s.Authenticate(leaving, token); gone <- err }()
	time.Sleep(50 * time.Millisecond) // let it ask
	stays := make(chan error, 1)
	go func() { _, err := s.Authenticate(t.Context(), token); stays <- err }()
	leave()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("the one who left: %v", err)
	}
	server.Resume()
	if err := <-stays; err != nil {
		t.Errorf("the one who stayed: %v", err)
	}
}

// A client that asks with the token it was just given wants a newer one; so
// a short token.ttl never brings back one that has run out.
func TestEachRefreshGivesAFreshToken(t *testing.T) {
	t.Parallel()
	var c clock
	s := openStore(t, nil, func(o *Config) {
		o.Now = c.now
		o.TokenTTL = 3 * time.Second
	})
	token, _ := logIn(t, s, "oA")
	seen := map[string]bool{token: true}
	for range 12 {
		c.advance(500 * time.Millisecond)
		fresh, err := s.Renew(t.Context(), authenticated(t, s, token))
		if err != nil {
			t.Fatal(err)
		}
		token = fresh.Value.Reveal()
		if seen[token] || fresh.ExpiresIn < 2*time.Second {
			t.Errorf("a token for %v, given before: %v", fresh.ExpiresIn, seen[token])
		}
		seen[token] = true
	}
}
