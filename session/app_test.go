package session

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"wxgate/internal/testkit/redistest"
)

func logInTo(t *testing.T, s *Store, app, openid string) (string, *Session) {
	t.Helper()
	l := loginOf(openid)
	l.AppID = app
	token, session, _, err := s.Login(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return token.Value.Reveal(), session
}

func TestEndAppEndsAllItsSessionsEverywhere(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := openStore(t, server, nil), openStore(t, server, nil)
	mine, session := logInTo(t, a, appid, "oA")
	kept, _ := logInTo(t, a, "wxother", "oA")
	unused, _ := logInTo(t, a, appid, "oB")
	left, right := watch(t, a, authenticated(t, a, mine)), watch(t, b, authenticated(t, b, mine))
	other := watch(t, b, authenticated(t, b, kept))
	time.Sleep(2 * time.Millisecond) // past the millisecond of the logins
	if err := a.EndApp(t.Context(), appid); err != nil {
		t.Fatal(err)
	}
	left.terminatedWithin(t, time.Second)
	right.terminatedWithin(t, time.Second)
	third := openStore(t, server, nil) // which heard of nothing
	for name, s := range map[string]*Store{"here": a, "another instance": b, "one that started later": third} {
		for _, token := range []string{mine, unused} {
			if _, err := s.Authenticate(t.Context(), token); !errors.Is(err, ErrSessionEnded) {
				t.Errorf("%s: %v", name, err)
			}
		}
		authenticated(t, s, kept)
		if _, err := s.LatestSessionKey(t.Context(), appid, "oA"); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: session_key: %v", name, err)
		}
		if u, err := s.User(t.Context(), appid, "oA"); err != nil || len(u.Sessions) != 0 {
			t.Errorf("%s: %+v, %v", name, u.Sessions, err)
		}
		if _, err := s.Info(t.Context(), session.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other.open(t)
	time.Sleep(2 * time.Millisecond)
	fresh, _ := logInTo(t, a, appid, "oA")
	authenticated(t, a, fresh)
	authenticated(t, b, fresh)
	authenticated(t, third, fresh)
}

// What the subscription missed is asked for, as sessions are.
func TestEndOfAnAppThatWasMissedHoldsAfterCacheTTL(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	var c clock
	s := openStore(t, server, func(o *Config) { o.Now = c.now; o.CacheTTL = 5 * time.Second })
	token, _ := logIn(t, s, "oA")
	authenticated(t, s, token)
	c.advance(time.Second)
	server.MustDo("SET", s.keys.app(appid), decimal(c.now().UnixMilli())) // which no event tells of
	authenticated(t, s, token)
	c.advance(5 * time.Second)
	refusedAsEnded(t, s, token)
}

func TestEndOfAnAppHoldsWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	var c clock
	s := openStore(t, server, func(o *Config) { o.Now = c.now; o.CacheTTL = time.Second })
	old, _ := logIn(t, s, "oA")
	authenticated(t, s, old)
	c.advance(time.Second)
	if err := s.EndApp(t.Context(), appid); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Second)
	fresh, _ := logIn(t, s, "oB")
	authenticated(t, s, fresh)
	server.Stop()
	c.advance(time.Minute)
	refusedAsEnded(t, s, old)
	authenticated(t, s, fresh)
}

// The key of an app lies on one node of a cluster, the sessions on all.
func TestSessionsOfOtherNodesPassWhileTheNodeOfTheirAppsKeyIsAway(t *testing.T) {
	t.Parallel()
	nodes := redistest.Options{Config: []string{"cluster-require-full-coverage no"}}.Cluster(t, 3)
	config := testConfig()
	config.Redis = RedisConfig{Addrs: nodes.Addrs(), Cluster: true, KeyPrefix: "test:"}
	config.CacheTTL, config.StaleIfError = time.Nanosecond, 5*time.Minute
	var stores [2]*Store
	for i := range stores {
		s, err := Open(config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		stores[i] = s
	}
	a, b := stores[0], stores[1]
	first, _ := logIn(t, b, "first")
	authenticated(t, b, first) // which confirms the app's end
	node := func(key string) int { return slot(key) * len(nodes.Masters) / slots }
	away := node(a.keys.app(appid))
	tokens := map[string]int{}
	for i := range 30 {
		token, session := logIn(t, a, fmt.Sprint("o", i))
		tokens[token] = node(a.keys.user(tagOf(session.ID)))
	}
	nodes.Masters[away].Stop()
	for token, at := range tokens {
		_, err := b.Authenticate(t.Context(), token)
		if at == away && !errors.Is(err, ErrUnavailable) || at != away && err != nil {
			t.Errorf("session on node %d with node %d away: %v", at, away, err)
		}
	}
}

func TestSessionsOfAnAppThatIsNotConfiguredAreRefused(t *testing.T) {
	t.Parallel()
	for _, format := range []string{FormatJWT, FormatOpaque} {
		server := redistest.Start(t)
		s := openStore(t, server, func(o *Config) { o.TokenFormat = format })
		token, session := logIn(t, s, "oA")
		kept, _ := logInTo(t, s, "wxother", "oA")
		st, other := watch(t, s, authenticated(t, s, token)), watch(t, s, authenticated(t, s, kept))
		config := testConfig()
		config.Apps, config.TokenFormat = []string{"wxother"}, format
		if err := s.Configure(config); err != nil {
			t.Fatal(err)
		}
		st.terminatedWithin(t, time.Second)
		other.open(t)
		refusedAsEnded(t, s, token)
		authenticated(t, s, kept)
		if _, err := s.Info(t.Context(), session.ID); !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
		if _, _, _, err := s.Login(context.Background(), loginOf("oB")); err == nil {
			t.Error("a login to it succeeds")
		}
		fresh := openStore(t, server, func(o *Config) { o.Apps = []string{"wxother"} })
		refusedAsEnded(t, fresh, token)
	}
}
