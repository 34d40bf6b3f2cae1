package session_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
	"wxgate/session"
)

// maxErrors bounds the errors that a load keeps.
const maxErrors = 5

// clientLoad is clients that authenticate in a loop until they are stopped.
// Anything but a success or an unavailable store is recorded as an error.
type clientLoad struct {
	stop     context.CancelFunc
	clients  sync.WaitGroup
	requests atomic.Int64
	failures atomic.Int64 // requests that found the store unavailable

	mu    sync.Mutex
	wrong []error
}

func (c *clientLoad) record(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.wrong) < maxErrors {
		c.wrong = append(c.wrong, err)
	}
}

// startLoad runs one client for each user, which asks each store in turn.
// The stores in alwaysUp must never be unavailable.
func startLoad(t *testing.T, users []testUser, stores []*session.Store, alwaysUp map[*session.Store]bool) *clientLoad {
	ctx, stop := context.WithCancel(t.Context())
	c := &clientLoad{stop: stop}
	t.Cleanup(stop)
	for _, m := range users {
		c.clients.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				store := stores[i%len(stores)]
				c.authenticate(ctx, m, store, alwaysUp[store])
				pause(ctx, time.Duration(rand.IntN(10))*time.Millisecond)
			}
		})
	}
	return c
}

// authenticate is now and then cancelled by its client, which must not leave a
// reply behind for the next one on the connection.
func (c *clientLoad) authenticate(ctx context.Context, m testUser, store *session.Store, alwaysUp bool) {
	c.requests.Add(1)
	cancels := rand.IntN(5) == 0
	if cancels {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(rand.IntN(1000))*time.Microsecond)
		defer cancel()
	}
	err := m.authenticate(ctx, store)
	switch {
	case err == nil, ctx.Err() != nil && errors.Is(err, ctx.Err()):
	case errors.Is(err, session.ErrUnavailable) && !alwaysUp:
		c.failures.Add(1)
	default:
		c.record(fmt.Errorf("%s: %w", m.openID, err))
	}
}

// awaitRequests waits until n more requests have begun.
func (c *clientLoad) awaitRequests(t *testing.T, n int) {
	t.Helper()
	until := c.requests.Load() + int64(n)
	testkit.Within(t, eventually, fmt.Sprintf("%d more requests", n), func() bool { return c.requests.Load() >= until })
}

// finish stops the clients and reports the errors.
func (c *clientLoad) finish(t *testing.T) {
	t.Helper()
	c.stop()
	c.clients.Wait()
	t.Logf("%d requests, %d of them while the store was unavailable", c.requests.Load(), c.failures.Load())
	for _, err := range c.wrong {
		t.Error(err)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// recovered waits until every user is authenticated again, new ones can log in,
// and events are received again.
func recovered(t *testing.T, a, b *session.Store, users []testUser) {
	t.Helper()
	for _, store := range []*session.Store{a, b} {
		testkit.NoErrorWithin(t, eventually, func() error { return store.Ready(t.Context()) })
		for _, m := range users {
			testkit.NoErrorWithin(t, eventually, func() error { return m.authenticate(t.Context(), store) })
		}
	}
	m := mustLogin(t, a, "newcomer")
	if err := m.authenticate(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if _, err := a.End(t.Context(), m.sid, session.CauseLogout); err != nil {
		t.Fatal(err)
	}
	testkit.NoErrorWithin(t, soon, func() error { return m.refused(t.Context(), b) })
}

func TestRestartsOfRedisLockNobodyOutAndMixNobodyUp(t *testing.T) {
	t.Parallel()
	s := redistest.Options{Persist: true}.Start(t)
	short := topologyConfig()
	short.CacheTTL = 20 * time.Millisecond
	opaque := askEachTime()
	opaque.TokenFormat = session.FormatOpaque
	cached, strict, other := openReady(t, single(s), short), openReady(t, single(s), askEachTime()), openReady(t, single(s), opaque)
	var users []testUser
	for i := range 200 {
		users = append(users, mustLogin(t, []*session.Store{cached, other}[i%2], fmt.Sprintf("user-%d", i)))
	}
	authenticateAll(t, cached, users)

	clients := startLoad(t, users, []*session.Store{cached, strict, other}, map[*session.Store]bool{cached: true})
	for range 3 {
		clients.awaitRequests(t, 2*len(users))
		s.Stop()
		clients.awaitRequests(t, 2*len(users))
		s.Start()
	}
	recovered(t, cached, strict, users)
	clients.finish(t)
	if clients.failures.Load() == 0 {
		t.Error("nobody noticed that Redis was unreachable: the test shows nothing")
	}
}

func TestSentinelFailoverLocksNobodyOut(t *testing.T) {
	t.Parallel()
	group := redistest.Sentinel(t)
	cached, strict := openReady(t, underSentinel(group), topologyConfig()), openReady(t, underSentinel(group), askEachTime())
	users := logInMany(t, cached, 40)
	authenticateAll(t, cached, users)
	group.Sync()

	clients := startLoad(t, users, []*session.Store{cached, strict}, map[*session.Store]bool{cached: true})
	logins := keepLoggingIn(t, strict)
	old := group.Master()
	group.Failover()
	recovered(t, cached, strict, users)
	old.Start() // empty, and a master until the sentinels see it
	testkit.NoErrorWithin(t, eventually, func() error { return isReplica(old) })
	recovered(t, strict, cached, users)
	clients.finish(t)
	logins.finish(t)
}

func isReplica(s *redistest.Server) error {
	role, err := s.Do("ROLE")
	if err == nil && !strings.HasPrefix(role, "slave") {
		err = fmt.Errorf("still no replica:\n%s", role)
	}
	return err
}

func TestClusterFailoverLocksNobodyOut(t *testing.T) {
	t.Parallel()
	nodes := redistest.Options{Replicas: 1}.Cluster(t, 3)
	cached, strict := openReady(t, cluster(nodes), topologyConfig()), openReady(t, cluster(nodes), askEachTime())
	users := logInMany(t, cached, 40)
	authenticateAll(t, cached, users)
	nodes.Sync()

	clients := startLoad(t, users, []*session.Store{cached, strict}, map[*session.Store]bool{cached: true})
	logins := keepLoggingIn(t, strict)
	nodes.Masters[0].Stop()
	testkit.NoErrorWithin(t, eventually, func() error {
		if role := nodes.Replicas[0].MustDo("ROLE"); !strings.HasPrefix(role, "master") {
			return fmt.Errorf("the replica is still one:\n%s", role)
		}
		return nil
	})
	recovered(t, cached, strict, users)
	clients.finish(t)
	logins.finish(t)
}

// keepLoggingIn has new users log in and come back at once. A login that the
// dead master had not passed on is lost with it, so an ended session is no
// fault here; anybody else's identity is.
func keepLoggingIn(t *testing.T, store *session.Store) *clientLoad {
	ctx, stop := context.WithCancel(t.Context())
	c := &clientLoad{stop: stop}
	t.Cleanup(stop)
	c.clients.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			m, err := tryLogin(ctx, store, fmt.Sprintf("new-%d", i))
			if err == nil {
				err = m.authenticate(ctx, store)
			}
			c.requests.Add(1)
			switch {
			case err == nil, errors.Is(err, session.ErrSessionEnded), ctx.Err() != nil:
			case errors.Is(err, session.ErrUnavailable):
				c.failures.Add(1)
			default:
				c.record(fmt.Errorf("login of %s: %w", m.openID, err))
			}
			pause(ctx, 5*time.Millisecond)
		}
	})
	return c
}

func TestHungRedisSlowsNoRequestOfACachedSession(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	short := topologyConfig()
	short.CacheTTL = 50 * time.Millisecond
	fresh, outdated := openReady(t, single(s), topologyConfig()), openReady(t, single(s), short)
	users := logInMany(t, fresh, 50)
	authenticateAll(t, fresh, users)
	authenticateAll(t, outdated, users)
	uncached := mustLogin(t, openReady(t, single(s), topologyConfig()), "uncached")

	s.Pause()
	authenticateQuickly(t, fresh, users, nil)
	time.Sleep(short.CacheTTL)
	if err := users[0].authenticate(t.Context(), outdated); err != nil { // the one that waits, and opens the circuit
		t.Error(err)
	}
	authenticateQuickly(t, outdated, users, nil)
	if err := uncached.authenticate(t.Context(), outdated); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("a session that is not cached: %v", err)
	}
	authenticateQuickly(t, outdated, slices.Repeat([]testUser{uncached}, len(users)), session.ErrUnavailable)

	s.Resume()
	recovered(t, fresh, outdated, append(users, uncached))
}

// authenticateQuickly fails when all requests take longer than a single one that waits
// for Redis.
func authenticateQuickly(t *testing.T, store *session.Store, users []testUser, want error) {
	t.Helper()
	const limit = 700 * time.Millisecond
	begin := time.Now()
	for i, m := range users {
		if err := m.authenticate(t.Context(), store); !errors.Is(err, want) {
			t.Errorf("%s: %v, not %v", m.openID, err, want)
		}
		if took := time.Since(begin); took > limit {
			t.Errorf("%d requests took %v", i+1, took)
			return
		}
	}
}

// password is sent to a Redis that needs none, and must not be logged.
const password = "a-password-that-must-not-be-logged"

func TestRedisThatRefusesIsNeverTheClientsFault(t *testing.T) {
	t.Parallel()
	healthy := openReady(t, single(redistest.Start(t)), topologyConfig())
	m := mustLogin(t, healthy, "testUser")
	for _, tc := range []struct {
		says   string
		server redistest.Options
		change func(*testing.T, *redistest.Server, *session.RedisConfig)
	}{
		{"NOAUTH", redistest.Options{Password: password}, nil},
		{"WRONGPASS", redistest.Options{Password: "another"}, func(_ *testing.T, _ *redistest.Server, o *session.RedisConfig) {
			o.Password = password
		}},
		{"WRONGPASS", redistest.Options{}, func(_ *testing.T, _ *redistest.Server, o *session.RedisConfig) {
			o.Username, o.Password = "nobody", password
		}},
		{"NOPERM", redistest.Options{Users: []string{"gate on >" + password + " ~" + topologyPrefix + "* -@all +ping"}}, func(_ *testing.T, _ *redistest.Server, o *session.RedisConfig) {
			o.Username, o.Password = "gate", password
		}},
		{"READONLY", redistest.Options{Config: []string{"replicaof 127.0.0.1 1"}}, nil},
		{"MASTERDOWN", redistest.Options{Config: []string{"replicaof 127.0.0.1 1", "replica-serve-stale-data no"}}, nil},
		{"BUSY", redistest.Options{Config: []string{"lua-time-limit 1"}}, func(t *testing.T, s *redistest.Server, _ *session.RedisConfig) {
			keepBusy(t, s)
		}},
		{"CLUSTERDOWN", redistest.Options{Config: []string{"cluster-enabled yes"}}, func(_ *testing.T, _ *redistest.Server, o *session.RedisConfig) {
			o.Cluster = true
		}},
		{"refused", redistest.Options{}, func(_ *testing.T, s *redistest.Server, _ *session.RedisConfig) { s.Stop() }},
	} {
		t.Run(tc.says, func(t *testing.T) {
			t.Parallel()
			s := tc.server.Start(t)
			redis := single(s)
			if tc.change != nil {
				tc.change(t, s, &redis)
			}
			refusesWithoutBlame(t, redis, m, tc.says)
		})
	}
}

// refusesWithoutBlame wants an unavailable store from each call on a Redis
// that refuses, with the reason and without the password.
func refusesWithoutBlame(t *testing.T, redis session.RedisConfig, m testUser, says string) {
	core, logged := observer.New(zap.DebugLevel)
	redis.KeyPrefix = topologyPrefix
	config := topologyConfig()
	config.Redis, config.Log = redis, zap.New(core)
	store, err := session.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	ctx := t.Context()

	ready, authenticated := store.Ready(ctx), m.authenticate(ctx, store)
	unavailable(t, "ready", ready)
	unavailable(t, "authenticate", authenticated)
	if text := fmt.Sprint(ready, authenticated); !strings.Contains(text, says) {
		t.Errorf("the errors don't say what is wrong: %s", text)
	}
	_, err = tryLogin(ctx, store, "newcomer")
	unavailable(t, "login", err)
	_, err = store.UseCodeOnce(ctx, session.CodeUse{AppID: topologyApp, Code: "code", IdempotencyKey: ""}, func(context.Context) ([]byte, error) {
		t.Error("a login code is used that can't be kept from being used twice")
		return nil, nil
	})
	unavailable(t, "once", err)
	_, err = store.End(ctx, m.sid, session.CauseLogout)
	unavailable(t, "end", err)
	if _, ok := store.Allow(ctx, "client", session.Rate{Count: 1, Per: time.Hour}); !ok {
		t.Error("the first request is limited while Redis can't count")
	}
	for _, entry := range logged.All() {
		if text := fmt.Sprint(entry.Message, entry.ContextMap()); strings.Contains(text, password) {
			t.Errorf("the password is in the log: %s", text)
		}
	}
}

func unavailable(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, session.ErrUnavailable) || errors.Is(err, session.ErrSessionEnded) || errors.Is(err, session.ErrTokenInvalid) {
		t.Errorf("%s: %v", what, err)
	}
	if err != nil && strings.Contains(err.Error(), password) {
		t.Errorf("%s: the password is in the error: %v", what, err)
	}
}

// keepBusy has the server run a script without end.
func keepBusy(t *testing.T, s *redistest.Server) {
	go func() { _, _ = s.Do("EVAL", "while true do end", "0") }()
	testkit.NoErrorWithin(t, eventually, func() error {
		if text, err := s.Do("PING"); err == nil || !strings.Contains(err.Error(), "BUSY") {
			return fmt.Errorf("not busy yet: %s, %v", text, err)
		}
		return nil
	})
}

func TestReadOnlyReplicaNeverEndsWhatItHasNotHeardOf(t *testing.T) {
	t.Parallel()
	master := redistest.Start(t)
	replica := redistest.Options{Config: []string{"replicaof 127.0.0.1 " + master.Port()}}.Start(t)
	a, b := openReady(t, single(master), topologyConfig()), openStore(t, single(replica), topologyConfig())
	known := mustLogin(t, a, "known")
	testkit.NoErrorWithin(t, eventually, func() error { return known.authenticate(t.Context(), b) })

	replica.MustDo("REPLICAOF", "127.0.0.1", "1")
	later := mustLogin(t, a, "later")
	if err := later.authenticate(t.Context(), b); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("a session that the replica hasn't heard of: %v", err)
	}
	if err := b.Ready(t.Context()); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("ready on a replica: %v", err)
	}
}

func TestFullRedisKeepsTheSessionsItHas(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	a, b := openReady(t, single(s), askEachTime()), openReady(t, single(s), askEachTime())
	users := logInMany(t, a, 5)
	s.MustDo("CONFIG", "SET", "maxmemory", "1")

	if _, err := tryLogin(t.Context(), a, "newcomer"); !errors.Is(err, session.ErrUnavailable) || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("login: %v", err)
	}
	authenticateAll(t, b, users)
	if _, err := a.End(t.Context(), users[0].sid, session.CauseLogout); err != nil {
		t.Errorf("logout: %v", err)
	}
	if err := users[0].refused(t.Context(), b); err != nil {
		t.Error(err)
	}
	s.MustDo("CONFIG", "SET", "maxmemory", "0")
	recovered(t, a, b, users[1:])
}

func TestLoadingRedisEndsNoSession(t *testing.T) {
	t.Parallel()
	s := redistest.Options{Config: []string{
		"key-load-delay 20000",                       // µs a key
		"loading-process-events-interval-bytes 1024", // else it only hangs with so little data
	}}.Start(t)
	before := openReady(t, single(s), askEachTime())
	users := logInMany(t, before, 50)
	s.MustDo("SAVE")
	s.Stop()

	started := make(chan struct{})
	go func() {
		defer close(started)
		s.Start()
	}()
	store := openStore(t, single(s), askEachTime())
	loading := false
	testkit.NoErrorWithin(t, eventually, func() error {
		err := users[0].authenticate(t.Context(), store)
		if err != nil && (!errors.Is(err, session.ErrUnavailable) || errors.Is(err, session.ErrSessionEnded)) {
			t.Errorf("while Redis loads its data: %v", err)
		}
		loading = loading || err != nil && strings.Contains(err.Error(), "LOADING")
		return err
	})
	<-started
	if !loading {
		t.Error("Redis was never seen loading: the test shows nothing")
	}
	recovered(t, before, store, users)
}

func TestEndingMissedByALostSubscriptionIsHeardOfAfterItsReturn(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	a, b := openReady(t, single(s), topologyConfig()), openReady(t, single(s), topologyConfig())
	for _, m := range logInMany(t, a, 5) {
		if err := m.authenticate(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		s.MustDo("CLIENT", "KILL", "TYPE", "pubsub")
		if _, err := a.End(t.Context(), m.sid, session.CauseLogout); err != nil {
			t.Fatal(err)
		}
		testkit.NoErrorWithin(t, 3*time.Second, func() error { return m.refused(t.Context(), b) })
		testkit.NoErrorWithin(t, eventually, func() error { return b.Ready(t.Context()) })
	}
}

func TestRedisRestartedEmptyKeepsTheSessionsInUse(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	short := topologyConfig()
	short.CacheTTL = 10 * time.Millisecond
	store, other := openReady(t, single(s), short), openReady(t, single(s), short)
	users := logInMany(t, store, 10)
	authenticateAll(t, store, users)
	s.Stop()
	s.Start()
	testkit.NoErrorWithin(t, eventually, func() error { return store.Ready(t.Context()) })
	authenticateAll(t, store, users)
	testkit.NoErrorWithin(t, eventually, func() error { return other.Ready(t.Context()) })
	if err := users[0].refused(t.Context(), other); err != nil {
		t.Errorf("where nothing is known of the session, only a login helps: %v", err)
	}
	again := mustLogin(t, store, users[0].openID)
	if err := again.authenticate(t.Context(), other); err != nil {
		t.Error(err)
	}
}

// The deletions come first: a Redis that is full takes them, and the ban after them.
func TestBanWhileRedisIsFullEndsTheSessions(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	a, b := openReady(t, single(s), topologyConfig()), openReady(t, single(s), topologyConfig())
	users := logInMany(t, a, 2)
	authenticateAll(t, b, users)
	s.MustDo("CONFIG", "SET", "maxmemory", "1")
	for _, openid := range []string{users[0].openID, "never seen"} {
		if _, err := a.Ban(t.Context(), topologyApp, openid, session.Ban{Reason: "spam"}); err != nil {
			t.Errorf("ban of %s: %v", openid, err)
		}
		var blocked *session.BlockedError
		if _, err := b.CheckBan(t.Context(), topologyApp, openid); !errors.As(err, &blocked) {
			t.Errorf("%s is not banned: %v", openid, err)
		}
	}
	testkit.NoErrorWithin(t, soon, func() error { return users[0].refused(t.Context(), b) })
	if err := users[1].authenticate(t.Context(), b); err != nil {
		t.Error(err)
	}
}

// During a CLIENT PAUSE WRITE, as in a FAILOVER, a server takes connections and
// reads, and no script. Who is known waits a quarter of a second once; the probe,
// which writes, doesn't report Redis back before it is.
func TestPausedWritesMakeNoKnownUserWait(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	config := topologyConfig()
	config.CacheTTL = time.Millisecond
	store := openReady(t, single(s), config)
	users := logInMany(t, store, 20)
	authenticateAll(t, store, users)
	s.MustDo("CLIENT", "PAUSE", "20000", "WRITE")
	begin := time.Now()
	for time.Since(begin) < 3*time.Second {
		for _, u := range users {
			asked := time.Now()
			if err := u.authenticate(t.Context(), store); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(asked); took > 700*time.Millisecond {
				t.Errorf("%s waited %v", u.openID, took)
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err := store.Ready(t.Context()); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("ready while nothing can be written: %v", err)
	}
	s.MustDo("CLIENT", "UNPAUSE")
	testkit.NoErrorWithin(t, eventually, func() error { return store.Ready(t.Context()) })
	mustLogin(t, store, "newcomer")
}

func TestHungMasterOfAClusterMakesNoKnownUserWait(t *testing.T) {
	t.Parallel()
	nodes := redistest.Cluster(t, 3)
	config := topologyConfig()
	config.CacheTTL = time.Millisecond
	store := openReady(t, cluster(nodes), config)
	users := logInMany(t, store, 20)
	authenticateAll(t, store, users)
	nodes.Masters[0].Pause()
	defer nodes.Masters[0].Resume()
	var waited time.Duration
	begin := time.Now()
	for time.Since(begin) < 3*time.Second {
		for _, u := range users {
			asked := time.Now()
			if err := u.authenticate(t.Context(), store); err != nil {
				t.Fatal(err)
			}
			waited = max(waited, time.Since(asked))
		}
		time.Sleep(20 * time.Millisecond)
	}
	if waited > 700*time.Millisecond {
		t.Errorf("a known user waited %v", waited)
	}
}
