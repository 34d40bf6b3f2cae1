package session

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
)

// stream is a watched request.
type stream struct {
	cut  chan struct{}
	stop func() bool
}

func watch(t *testing.T, s *Store, g AuthResult) stream {
	cut := make(chan struct{})
	st := stream{cut, s.Watch(g, sync.OnceFunc(func() { close(cut) })).Stop}
	t.Cleanup(func() { st.stop() })
	return st
}

func (s stream) terminatedWithin(t *testing.T, limit time.Duration) {
	t.Helper()
	select {
	case <-s.cut:
	case <-time.After(limit):
		t.Fatalf("not terminated within %v", limit)
	}
}

func (s stream) open(t *testing.T) {
	t.Helper()
	select {
	case <-s.cut:
		t.Fatal("terminated")
	default:
	}
}

// checkNow checks the watched sessions by the time that it is now, and waits for what Redis
// is asked. The first round may find one under way that began at an earlier time.
func (s *Store) checkNow(t *testing.T) {
	t.Helper()
	for range 2 {
		s.checkWatched(s.now())
		testkit.Eventually(t, "checked", func() bool {
			s.watched.mu.Lock()
			defer s.watched.mu.Unlock()
			return !s.watched.checking
		})
	}
}

// SE-20.
func TestStreamsAreTerminatedOnEveryInstance(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, b := openStore(t, server, nil), openStore(t, server, nil)
	token, session := logIn(t, a, "oA")
	other, _ := logIn(t, a, "oB")
	streams := []stream{watch(t, a, authenticated(t, a, token)), watch(t, b, authenticated(t, b, token)), watch(t, b, authenticated(t, b, token))}
	spared := watch(t, b, authenticated(t, b, other))
	if _, err := b.End(t.Context(), session.ID, CauseAdmin); err != nil {
		t.Fatal(err)
	}
	for _, st := range streams {
		st.terminatedWithin(t, time.Second)
	}
	spared.open(t)
}

// A request that was let in just before the end is cut when it starts to be watched.
func TestWatchOfAnEndedSessionIsCutAtOnce(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	token, session := logIn(t, s, "oA")
	g := authenticated(t, s, token)
	if _, err := s.End(t.Context(), session.ID, CauseLogout); err != nil {
		t.Fatal(err)
	}
	watch(t, s, g).terminatedWithin(t, 0+time.Millisecond)
}

func TestStreamEndsWithItsTokenUnlessRenewed(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	var c testkit.Clock
	short := func(o *Config) { o.Now = c.Now; o.TokenTTL = 2 * time.Minute; o.RenewBefore = time.Minute }
	a, b := openStore(t, server, short), openStore(t, server, short)
	plain, _ := logIn(t, a, "oA")
	renewed, _ := logIn(t, a, "oB")
	g := authenticated(t, b, plain)
	left, kept := watch(t, b, g), watch(t, b, authenticated(t, b, renewed))
	c.Advance(90 * time.Second)
	if _, err := a.Renew(t.Context(), authenticated(t, a, renewed)); err != nil {
		t.Fatal(err)
	}
	b.checkNow(t)
	left.open(t)
	c.Advance(31 * time.Second)
	b.checkNow(t)
	left.terminatedWithin(t, time.Second)
	kept.open(t)
	if _, err := b.Info(t.Context(), g.Session.ID); err != nil {
		t.Errorf("the session ended with its token: %v", err)
	}
}

// A renewal that this instance did not hear of is asked for before the cut.
func TestUnheardRenewalKeepsTheStream(t *testing.T) {
	t.Parallel()
	var c testkit.Clock
	s := openStore(t, redistest.Start(t), func(o *Config) { o.Now = c.Now })
	token, session := logIn(t, s, "oA")
	st := watch(t, s, authenticated(t, s, token))
	if err := s.redis.HSet(t.Context(), s.keys.sessions(tagOf(session.ID)), rawOf(session.ID)+"l", fmt.Sprint(c.Now().UnixMilli(), c.Now().Add(4*time.Hour).Unix(), 1)).Err(); err != nil {
		t.Fatal(err)
	}
	c.Advance(3 * time.Hour)
	s.checkNow(t)
	st.open(t)
}

func TestStreamIsCutAtTheAbsoluteEnd(t *testing.T) {
	t.Parallel()
	var c testkit.Clock
	s := openStore(t, nil, func(o *Config) { o.Now = c.Now; o.MaxLifetime = time.Hour })
	token, _ := logIn(t, s, "oA")
	st := watch(t, s, authenticated(t, s, token))
	c.Advance(59 * time.Minute)
	s.checkNow(t)
	st.open(t)
	c.Advance(time.Minute + time.Second)
	st.terminatedWithin(t, time.Second)
}

func TestRedisAwayPutsTheCutOffUpToStaleIfError(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	var c testkit.Clock
	s := openStore(t, server, func(o *Config) { o.Now = c.Now })
	token, _ := logIn(t, s, "oA")
	st := watch(t, s, authenticated(t, s, token))
	server.Stop()
	c.Advance(2*time.Hour + 2*time.Second)
	s.checkNow(t)
	st.open(t)
	c.Advance(5 * time.Minute)
	st.terminatedWithin(t, 2*time.Second)
}

// A place in the list that is used again belongs to its new user alone.
func TestStoppingTwiceStopsNobodyElse(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	token, session := logIn(t, s, "oA")
	g := authenticated(t, s, token)
	first := s.Watch(g, func() {})
	if !first.Stop() {
		t.Error("a watch that nothing has ended was stopped too late")
	}
	second := watch(t, s, g)
	if first.Stop() {
		t.Error("stopped twice in time")
	}
	if _, err := s.End(t.Context(), session.ID, CauseLogout); err != nil {
		t.Fatal(err)
	}
	second.terminatedWithin(t, time.Second)
	if second.stop() {
		t.Error("a watch that was cut was stopped in time")
	}
}

func TestManyRequestsComeAndGo(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	var grants []AuthResult
	for _, openid := range []string{"oA", "oB", "oC"} {
		token, _ := logIn(t, s, openid)
		grants = append(grants, authenticated(t, s, token))
	}
	var cuts atomic.Int32
	var requests sync.WaitGroup
	for i := range 16 {
		requests.Go(func() {
			for end := time.Now().Add(700 * time.Millisecond); time.Now().Before(end); {
				s.Watch(grants[i%3], func() { cuts.Add(1) }).Stop()
			}
		})
	}
	requests.Wait()
	testkit.Within(t, 2*time.Second, "nothing is watched", func() bool {
		s.watched.mu.Lock()
		defer s.watched.mu.Unlock()
		return len(s.watched.sessions) == 0
	})
	if cuts.Load() != 0 || counted(s.metrics.watched) != 0 {
		t.Errorf("%d cut, %v open", cuts.Load(), counted(s.metrics.watched))
	}
}

// The place of a session that nobody watches any more is given to another. Who held it can't
// terminate the requests of that other.
func TestWatchersUsedAgainTerminateOnlyTheirOwnSession(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	one, _ := logIn(t, s, "oA")
	two, _ := logIn(t, s, "oB")
	a, b := authenticated(t, s, one), authenticated(t, s, two)
	earlier := s.Watch(a, func() { t.Error("a stopped watcher's request is terminated") })
	entries := a.cached.watchers.Load()
	earlier.Stop()
	s.checkNow(t)
	later := watch(t, s, b)
	if b.cached.watchers.Load() != entries {
		t.Fatal("the entries are not reused")
	}
	entries.terminateAll(a.cached)
	if earlier.Stop() {
		t.Error("stopped in time twice")
	}
	if _, _, ok := entries.add(a.cached, func() {}); ok {
		t.Error("a request watches the session of another")
	}
	later.open(t)
	if _, err := s.End(t.Context(), b.Session.ID, CauseLogout); err != nil {
		t.Fatal(err)
	}
	later.terminatedWithin(t, time.Second)
}

// A session that leaves the cache while others refer to it again stays in it once.
func TestReferencesOfACachedSessionMayRace(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	token, session := logIn(t, s, "oA")
	cs := authenticated(t, s, token).cached
	var users sync.WaitGroup
	for range 8 {
		users.Go(func() {
			for range 2_000 {
				held := s.cache.retain(cs)
				if found := s.cache.acquire(session.ID); found != nil {
					s.cache.release(found)
				}
				s.cache.release(held)
			}
		})
	}
	s.cache.removeTokens(func(*cachedToken) bool { return false })
	users.Wait()
	if n := s.cache.count(); n != 0 {
		t.Errorf("%d sessions left that nobody refers to", n)
	}
}
