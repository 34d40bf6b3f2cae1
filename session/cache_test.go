package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
)

func TestFreshSessionIsUsedWithoutAskingRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	var c clock
	s := openStore(t, server, func(o *Config) { o.Now = c.now; o.CacheTTL = 5 * time.Second })
	token, session := logIn(t, s, "oA")
	authenticated(t, s, token)
	server.MustDo("DEL", s.keys.sessions(tagOf(session.ID))) // which no event tells of
	authenticated(t, s, token)
	c.advance(5 * time.Second)
	if _, err := s.Authenticate(t.Context(), token); !errors.Is(err, ErrSessionEnded) {
		t.Errorf("after cache_ttl: %v", err)
	}
}

func TestCacheTTLZeroAsksEachTime(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := openStore(t, server, func(o *Config) { o.CacheTTL = 0 })
	token, session := logIn(t, s, "oA")
	authenticated(t, s, token)
	server.MustDo("DEL", s.keys.sessions(tagOf(session.ID)))
	if _, err := s.Authenticate(t.Context(), token); !errors.Is(err, ErrSessionEnded) {
		t.Error(err)
	}
}

func TestChangesOfTheUserReachEverySession(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := openStore(t, server, nil), openStore(t, server, nil)
	one, session := logIn(t, a, "oA")
	two, _ := logIn(t, a, "oA")
	authenticated(t, a, one)
	authenticated(t, b, two)
	if err := a.SetPhone(t.Context(), session, Phone{Number: "13800000000"}); err != nil {
		t.Fatal(err)
	}
	if g := authenticated(t, a, one); g.Session.Phone != "13800000000" {
		t.Errorf("here: %q", g.Session.Phone)
	}
	testkit.Within(t, time.Second, "the other instance knows", func() bool { return authenticated(t, b, two).Session.Phone == "13800000000" })
	again := loginOf("oA")
	again.Phone = &Phone{Number: "13900000000"}
	if _, _, _, err := a.Login(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	testkit.Within(t, time.Second, "the other instance knows", func() bool { return authenticated(t, b, two).Session.Phone == "13900000000" })
}

// An event that comes while Redis's answer is on its way must not be undone
// by the answer, which may be older.
func TestReplyOlderThanAnEventIsStale(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	token, session := logIn(t, s, "oA")
	m := s.cache.readVersion(session.ID, s.now(), s.epoch.Load())
	a, err := s.load(t.Context(), session.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	s.applyEvent(eventEnded + " " + session.ID) // it is not cached yet
	if l := s.cache.insert(a, m); s.isFresh(l, s.now()) {
		t.Error("fresh")
	}
	s.redis.Del(context.Background(), s.keys.sessions(tagOf(session.ID)))
	if _, err := s.Authenticate(t.Context(), token); !errors.Is(err, ErrSessionEnded) {
		t.Error(err)
	}
}

func TestLateReplyDoesNotReplaceANewerOne(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	_, session := logIn(t, s, "oA")
	now := s.now()
	early, late := s.cache.readVersion(session.ID, now, 0), s.cache.readVersion(session.ID, now.Add(time.Millisecond), 0)
	newer := *session
	newer.Phone = "new"
	l := s.cache.insert(storedSession{session: &newer}, late)
	if s.cache.insert(storedSession{session: session}, early); l.packed.Load().session().Phone != "new" {
		t.Error("replaced")
	}
}

func TestCachedSessionsLeaveWithTheirTokens(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	var watched AuthResult
	for i := range 20 {
		token, _ := logIn(t, s, fmt.Sprint("o", i))
		watched = authenticated(t, s, token)
	}
	stop := s.Watch(watched, func() {})
	if n := s.cache.count(); n != 20 {
		t.Errorf("%d cached of 20 sessions", n)
	}
	s.cache.removeTokens(func(*cachedToken) bool { return false })
	if n := s.cache.count(); n != 1 {
		t.Errorf("%d sessions are cached for one watched request", n)
	}
	stop.Stop()
	testkit.Within(t, 2*time.Second, "the last session has left the cache", func() bool { return s.cache.count() == 0 })
}

// A session that left the cache gets no event; being watched again it is stale.
func TestWatchedSessionThatLeftTheCacheIsStale(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	token, session := logIn(t, s, "oA")
	g := authenticated(t, s, token)
	s.cache.removeTokens(func(*cachedToken) bool { return false })
	if _, err := s.End(t.Context(), session.ID, CauseLogout); err != nil {
		t.Fatal(err)
	}
	watch(t, s, g).terminatedWithin(t, time.Second)
}

// SE-12, JW-34: whatever happens at the same time, a token is its user's.
func TestEveryTokenIsItsUsers(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := openStore(t, server, func(o *Config) { o.CacheTTL = time.Millisecond })
	var users sync.WaitGroup
	for i := range 50 {
		openid := fmt.Sprint("o", i)
		token, _ := logIn(t, s, openid)
		users.Go(func() {
			for range 100 {
				g, err := s.Authenticate(t.Context(), token)
				if err != nil || g.Session.OpenID != openid {
					t.Errorf("%s: %+v, %v", openid, g.Session, err)
				}
				if i%5 == 0 {
					s.cache.removeTokens(func(*cachedToken) bool { return false })
				}
			}
		})
	}
	users.Wait()
}

// What a broken connection mixes up is an error, never an identity.
func TestReplyOfAnotherSessionIsAnError(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	_, a := logIn(t, s, "oA")
	_, b := logIn(t, s, "oB")
	keys, args := s.loadCall(b.ID, "")
	answer, err := s.redis.runList(t.Context(), loadSessionScript, keys, args...)
	if err != nil {
		t.Fatal(err)
	}
	for name, given := range map[string][]any{"whole": answer, "under our id": append([]any{a.ID}, answer[1:]...), "empty": nil, "short": {a.ID, "found"}} {
		if f, err := s.readStoredSession(a.ID, "", given); !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrSessionEnded) {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
}

// SE-11: see outage_test.go for the ways that Redis can refuse.
func TestSessionsPassWhileRedisIsAwayForStaleIfError(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	var c clock
	s := openStore(t, server, func(o *Config) {
		o.Now = c.now
		o.CacheTTL = time.Second
		o.TokenTTL = 100 * time.Hour
	})
	token, session := logIn(t, s, "oA")
	unseen, _ := logIn(t, s, "oB")
	g := authenticated(t, s, token)
	second, err := s.Renew(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	server.Stop()
	c.advance(4 * time.Minute)
	authenticated(t, s, token)
	authenticated(t, s, second.Value.Reveal()) // new here, but its session isn't
	if _, err := s.Authenticate(t.Context(), unseen); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a session that was never seen: %v", err)
	}
	c.advance(time.Minute)
	if _, err := s.Authenticate(t.Context(), token); !errors.Is(err, ErrUnavailable) {
		t.Errorf("after stale_if_error: %v", err)
	}
	c.advance(91 * 24 * time.Hour)
	if _, err := s.Authenticate(t.Context(), sign(t, s, headerOf(s), with(bodyOf(session), "exp", c.now().Add(time.Hour).Unix()))); !errors.Is(err, ErrSessionEnded) {
		t.Errorf("past the absolute end no Redis is needed: %v", err)
	}
}

// cache_size bounds what is cached, at once when a reload makes it less, and what
// was evicted works on by asking Redis.
func TestCacheSizeIsKept(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for _, size := range []int{1, 10} {
		s := openStore(t, server, func(o *Config) { o.CacheSize = size })
		var tokens []string
		for i := range 3 * size {
			token, _ := logIn(t, s, fmt.Sprint("o", i))
			authenticated(t, s, token)
			tokens = append(tokens, token)
		}
		for range 2 {
			for _, token := range tokens {
				authenticated(t, s, token)
			}
		}
		if n := s.cache.count(); n == 0 || n > size {
			t.Errorf("%d sessions are cached, not up to %d", n, size)
		}
		config := testConfig()
		config.CacheSize = 1
		if err := s.Configure(config); err != nil {
			t.Fatal(err)
		}
		if n := s.cache.count(); n > 1 {
			t.Errorf("%d sessions are cached after a reload, not one", n)
		}
	}
}

// What is used stays, whatever else comes by once.
func TestSessionsInUseAreNotEvicted(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, func(o *Config) { o.CacheSize = 64 })
	busy, _ := logIn(t, s, "oBUSY")
	authenticated(t, s, busy)
	misses := counted(s.metrics.misses)
	for i := range 300 {
		token, _ := logIn(t, s, fmt.Sprint("o", i))
		authenticated(t, s, token)
		authenticated(t, s, busy)
	}
	if n := counted(s.metrics.misses) - misses; n > 320 {
		t.Errorf("%v misses of 300 new tokens", n)
	}
}

// A request with a session that is cached takes nothing from the heap.
func TestAuthenticatingAndWatchingAllocatesNothing(t *testing.T) {
	s := openStore(t, nil, nil)
	token, _ := logIn(t, s, "oA")
	auth := authenticated(t, s, token)
	terminate := func() {}
	defer s.Watch(auth, terminate).Stop() // another request of the session
	allocations := testing.AllocsPerRun(1000, func() {
		auth, err := s.Authenticate(t.Context(), token)
		if err != nil {
			t.Error(err)
		}
		s.Watch(auth, terminate).Stop()
	})
	if allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
}
