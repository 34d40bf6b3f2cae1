package session_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
	"wxgate/secret"
	"wxgate/session"
)

// The tests in this file run two instances on Redis as people run it; those in
// outage_test.go on a Redis that fails.

const (
	topologyApp    = "wx0123456789abcdef"
	topologyPrefix = "gate:"

	// soon is the second that the contract gives an ending to be known everywhere.
	soon = time.Second
	// eventually bounds what has no promised time, on a machine busy with other tests.
	eventually = 20 * time.Second
)

// needed is what an ACL user must be allowed, and neededInCluster what comes on
// top in a cluster.
const (
	needed = "+eval +evalsha +get +set +del +exists +pexpire +pttl " +
		"+hget +hset +hmget +hgetall +hdel +hexists +hkeys +xadd +xrevrange +publish +subscribe"
	neededInCluster = " +cluster|slots"
)

func topologyConfig() session.Config {
	return session.Config{
		Apps:         []string{topologyApp},
		Secrets:      []secret.Text{secret.Text(strings.Repeat("k", session.MinSecret))},
		CacheTTL:     30 * time.Second,
		StaleIfError: 5 * time.Minute,
	}
}

// askEachTime has Redis asked for every request, and no cached session used.
func askEachTime() session.Config {
	s := topologyConfig()
	s.CacheTTL, s.StaleIfError = 0, 0
	return s
}

func openStore(t *testing.T, redis session.RedisConfig, config session.Config) *session.Store {
	t.Helper()
	redis.KeyPrefix = topologyPrefix
	config.Redis = redis
	store, err := session.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func openReady(t *testing.T, redis session.RedisConfig, config session.Config) *session.Store {
	t.Helper()
	store := openStore(t, redis, config)
	testkit.NoErrorWithin(t, eventually, func() error { return store.Ready(t.Context()) })
	return store
}

// testUser is a user with a session.
type testUser struct {
	openID string
	token  string
	sid    string
}

func tryLogin(ctx context.Context, store *session.Store, openID string) (testUser, error) {
	token, s, _, err := store.Login(ctx, session.Login{
		AppID: topologyApp, OpenID: openID, SessionKey: secret.Text("key of " + openID),
	})
	if err != nil {
		return testUser{}, err
	}
	return testUser{openID, token.Value.Reveal(), s.ID}, nil
}

func mustLogin(t *testing.T, store *session.Store, openID string) testUser {
	t.Helper()
	m, err := tryLogin(t.Context(), store, openID)
	if err != nil {
		t.Fatalf("login of %s: %v", openID, err)
	}
	return m
}

func logInMany(t *testing.T, store *session.Store, n int) []testUser {
	t.Helper()
	var users []testUser
	for i := range n {
		users = append(users, mustLogin(t, store, fmt.Sprintf("user-%d", i)))
	}
	return users
}

var errForeign = errors.New("an identity that isn't the token's")

// authenticate returns errForeign when somebody else came out.
func (m testUser) authenticate(ctx context.Context, store *session.Store) error {
	g, err := store.Authenticate(ctx, m.token)
	if err != nil {
		return err
	}
	if g.Session.ID != m.sid || g.Session.OpenID != m.openID || g.Session.AppID != topologyApp {
		return fmt.Errorf("%w: %s is taken for %s", errForeign, m.openID, g.Session.OpenID)
	}
	return nil
}

// refused is nil once the store says that the session has ended.
func (m testUser) refused(ctx context.Context, store *session.Store) error {
	err := m.authenticate(ctx, store)
	if errors.Is(err, session.ErrSessionEnded) {
		return nil
	}
	return fmt.Errorf("%s is not refused: %v", m.openID, err)
}

func authenticateAll(t *testing.T, store *session.Store, users []testUser) {
	t.Helper()
	for _, m := range users {
		if err := m.authenticate(t.Context(), store); err != nil {
			t.Fatalf("%s: %v", m.openID, err)
		}
	}
}

func single(s *redistest.Server) session.RedisConfig {
	return session.RedisConfig{Addrs: []string{s.Addr}}
}

func underSentinel(g *redistest.Group) session.RedisConfig {
	return session.RedisConfig{Addrs: g.Addrs(), MasterName: g.Name}
}

func cluster(n *redistest.Nodes) session.RedisConfig {
	return session.RedisConfig{Addrs: n.Addrs(), Cluster: true}
}

func TestEveryKindOfRedisKeepsThePromises(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		start func(t *testing.T) session.RedisConfig
	}{
		{"single", func(t *testing.T) session.RedisConfig { return single(redistest.Start(t)) }},
		{"single, another database", func(t *testing.T) session.RedisConfig {
			o := single(redistest.Start(t))
			o.DB = 3
			return o
		}},
		{"single, password", func(t *testing.T) session.RedisConfig {
			o := single(redistest.Options{Password: "open sesame"}.Start(t))
			o.Password = "open sesame"
			return o
		}},
		{"single, restricted user", func(t *testing.T) session.RedisConfig {
			return asACLUser(single(onlyNeeded("").Start(t)))
		}},
		{"sentinel", func(t *testing.T) session.RedisConfig { return underSentinel(redistest.Sentinel(t)) }},
		{"sentinel, restricted user", func(t *testing.T) session.RedisConfig {
			return asACLUser(underSentinel(onlyNeeded("").Sentinel(t)))
		}},
		{"cluster", func(t *testing.T) session.RedisConfig { return cluster(redistest.Cluster(t, 3)) }},
		{"cluster, restricted user", func(t *testing.T) session.RedisConfig {
			return asACLUser(cluster(onlyNeeded(neededInCluster).Cluster(t, 3)))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			redis := tc.start(t)
			a, b := openReady(t, redis, topologyConfig()), openReady(t, redis, topologyConfig())
			t.Run("what one instance writes another reads", func(t *testing.T) { sharesState(t, a, b) })
			t.Run("ended on one, refused on the other", func(t *testing.T) { endsEverywhere(t, a, b) })
			t.Run("one audit trail", func(t *testing.T) { sharesAuditTrail(t, a, b) })
		})
	}
}

func sharesAuditTrail(t *testing.T, a, b *session.Store) {
	testkit.Must(t, a.AppendAudit(t.Context(), "admin", "by a"))
	testkit.Must(t, b.AppendAudit(t.Context(), "admin", "by b"))
	for _, store := range []*session.Store{a, b} {
		got, err := store.Audit(t.Context(), "admin", "")
		if err != nil || len(got) != 2 || got[0].Text != "by b" || got[1].Text != "by a" {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// onlyNeeded is a Redis whose default user may do nothing, and whose other one
// only what is needed, under the prefix.
func onlyNeeded(more string) redistest.Options {
	return redistest.Options{Users: []string{
		"default off",
		"gate on >open-sesame resetkeys resetchannels ~" + topologyPrefix + "* &" + topologyPrefix + "* -@all " + needed + more,
	}}
}

func asACLUser(o session.RedisConfig) session.RedisConfig {
	o.Username, o.Password = "gate", "open-sesame"
	return o
}

// sharesState takes each thing that lives in Redis from one instance to the other.
func sharesState(t *testing.T, a, b *session.Store) {
	ctx := t.Context()
	m := mustLogin(t, a, "sharer")
	g, err := b.Authenticate(ctx, m.token)
	if err != nil {
		t.Fatal(err)
	}
	phone := session.Phone{Number: "+1 555", PureNumber: "555", CountryCode: "1"}
	if err := a.SetPhone(ctx, &g.Session, phone); err != nil {
		t.Error(err)
	}
	if err := a.SetProfile(ctx, &g.Session, session.Profile{Nickname: "小明"}); err != nil {
		t.Error(err)
	}
	if user, err := b.User(ctx, topologyApp, "sharer"); err != nil || user.Phone != phone || user.Profile.Nickname != "小明" || len(user.Sessions) != 1 {
		t.Errorf("user %+v, %v", user, err)
	}
	if user, err := b.Profile(ctx, &g.Session); err != nil || user.Profile.Nickname != "小明" {
		t.Errorf("profile %+v, %v", user, err)
	}
	if key, err := b.SessionKey(ctx, &g.Session); err != nil || key.Reveal() != "key of sharer" {
		t.Errorf("session key: %v", err)
	}
	if key, err := b.LatestSessionKey(ctx, topologyApp, "sharer"); err != nil || key.Reveal() != "key of sharer" {
		t.Errorf("latest session key: %v", err)
	}
	if err := a.UpdateJar(ctx, &g.Session, "shop", func([]byte) ([]byte, error) { return []byte("cookie"), nil }); err != nil {
		t.Error(err)
	}
	if jar, err := b.Jar(ctx, &g.Session, "shop"); err != nil || string(jar) != "cookie" {
		t.Errorf("jar %q, %v", jar, err)
	}
	if _, err := b.Renew(ctx, g); err != nil {
		t.Error(err)
	}
	sharesCodesAndLimits(t, a, b)
	sharesAccessTokens(t, a, b)
}

func sharesCodesAndLimits(t *testing.T, a, b *session.Store) {
	ctx := t.Context()
	answer := func(context.Context) ([]byte, error) { return []byte("answer"), nil }
	if got, err := a.UseCodeOnce(ctx, session.CodeUse{AppID: topologyApp, Code: "code", IdempotencyKey: "idempotency-key-1"}, answer); err != nil || string(got) != "answer" {
		t.Errorf("first use of a code: %q, %v", got, err)
	}
	fail := func(context.Context) ([]byte, error) { return nil, errors.New("used twice") }
	if got, err := b.UseCodeOnce(ctx, session.CodeUse{AppID: topologyApp, Code: "code", IdempotencyKey: "idempotency-key-1"}, fail); err != nil || string(got) != "answer" {
		t.Errorf("the same use again: %q, %v", got, err)
	}
	if _, err := b.UseCodeOnce(ctx, session.CodeUse{AppID: topologyApp, Code: "code", IdempotencyKey: ""}, fail); !errors.Is(err, session.ErrCodeUsed) {
		t.Errorf("another use: %v", err)
	}
	rate := session.Rate{Count: 1, Per: time.Hour}
	if _, ok := a.Allow(ctx, "client", rate); !ok {
		t.Error("the first request is limited")
	}
	if _, ok := b.Allow(ctx, "client", rate); ok {
		t.Error("the instances count separately")
	}
}

func sharesAccessTokens(t *testing.T, a, b *session.Store) {
	ctx := t.Context()
	unlock, ok, err := a.AccessTokens().Lock(ctx, topologyApp, time.Minute)
	if err != nil || !ok {
		t.Errorf("lock: %v, %v", ok, err)
	}
	if _, ok, err := b.AccessTokens().Lock(ctx, topologyApp, time.Minute); err != nil || ok {
		t.Errorf("a lock that is held: %v, %v", ok, err)
	}
	if err := a.AccessTokens().Save(ctx, topologyApp, "access", time.Now().Add(time.Hour)); err != nil {
		t.Error(err)
	}
	unlock()
	if got, _, err := b.AccessTokens().Load(ctx, topologyApp); err != nil || got.Reveal() != "access" {
		t.Errorf("access token: %v", err)
	}
	if _, ok, err := b.AccessTokens().Lock(ctx, topologyApp, time.Minute); err != nil || !ok {
		t.Errorf("a lock that was given back: %v, %v", ok, err)
	}
}

// endsEverywhere ends sessions on a in each way, while b has them cached, which it
// may use for 30 seconds, and watches them.
func endsEverywhere(t *testing.T, a, b *session.Store) {
	ctx := t.Context()
	users := logInMany(t, a, 30)
	authenticateAll(t, b, users)
	for i, end := range []func(m testUser) error{
		func(m testUser) error { _, err := a.End(ctx, m.sid, session.CauseLogout); return err },
		func(m testUser) error {
			_, err := a.EndAll(ctx, topologyApp, m.openID, session.CauseAdmin)
			return err
		},
		func(m testUser) error {
			_, err := a.Ban(ctx, topologyApp, m.openID, session.Ban{Reason: "spam"})
			return err
		},
	} {
		for _, m := range users[5*i : 5*i+5] {
			endedOnBoth(t, b, m, end)
		}
	}
	authenticateAll(t, a, users[15:])
	authenticateAll(t, b, users[15:])
	var blocked *session.BlockedError
	if _, err := tryLogin(ctx, b, users[10].openID); !errors.As(err, &blocked) || blocked.Reason != "spam" {
		t.Errorf("login of a banned user: %v", err)
	}
}

func endedOnBoth(t *testing.T, other *session.Store, m testUser, end func(m testUser) error) {
	t.Helper()
	g, err := other.Authenticate(t.Context(), m.token)
	if err != nil {
		t.Fatal(err)
	}
	cut := make(chan struct{})
	stop := other.Watch(g, sync.OnceFunc(func() { close(cut) }))
	defer stop.Stop()
	if err := end(m); err != nil {
		t.Fatal(err)
	}
	testkit.NoErrorWithin(t, soon, func() error { return m.refused(t.Context(), other) })
	select {
	case <-cut:
	case <-time.After(soon):
		t.Errorf("%s: the stream on the other instance is still open", m.openID)
	}
}

func TestAllKeysOfAUserAreInOneSlot(t *testing.T) {
	t.Parallel()
	nodes := redistest.Cluster(t, 3)
	store := openReady(t, cluster(nodes), topologyConfig())
	for _, m := range append(logInMany(t, store, 20), logInMany(t, store, 20)...) {
		g, err := store.Authenticate(t.Context(), m.token)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.UpdateJar(t.Context(), &g.Session, "shop", func([]byte) ([]byte, error) { return []byte("cookie"), nil }); err != nil {
			t.Fatal(err)
		}
	}
	addrOf := map[string]string{}
	for _, node := range nodes.Masters {
		keys := strings.Fields(node.MustDo("KEYS", "*"))
		if len(keys) == 0 {
			t.Errorf("%s holds nothing", node.Addr)
		}
		for _, key := range keys {
			if !strings.HasPrefix(key, topologyPrefix) {
				t.Errorf("key %q is outside the prefix", key)
			}
			_, rest, tagged := strings.Cut(key, "{")
			tag, _, _ := strings.Cut(rest, "}")
			if !tagged || strings.HasPrefix(key, topologyPrefix+"l:") {
				continue
			}
			if other := addrOf[tag]; other != "" && other != node.Addr {
				t.Errorf("the keys of %s are on %s and %s", tag, other, node.Addr)
			}
			addrOf[tag] = node.Addr
		}
	}
	if len(addrOf) != 20 {
		t.Errorf("%d users in Redis, not 20", len(addrOf))
	}
}

func TestRedisOverTLSIsVerified(t *testing.T) {
	t.Parallel()
	s := redistest.Options{TLS: true}.Start(t)
	o := single(s)
	if err := openStore(t, o, topologyConfig()).Ready(t.Context()); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("without TLS: %v", err)
	}
	o.TLS = true
	var unknown x509.UnknownAuthorityError
	if err := openStore(t, o, topologyConfig()).Ready(t.Context()); !errors.Is(err, session.ErrUnavailable) || !errors.As(err, &unknown) {
		t.Errorf("with a certificate that nobody vouches for: %v", err)
	}
	o.RootCAs = s.TLSConfig.RootCAs
	a, b := openReady(t, o, topologyConfig()), openReady(t, o, topologyConfig())
	sharesState(t, a, b)
	endsEverywhere(t, a, b)
}

const (
	masterPassword   = "of the master"
	sentinelPassword = "of the sentinels"
	// sentinelNeeds is what the RedisConfig's documentation says of a Sentinel's ACL user.
	sentinelNeeds = "gate on >open-sesame -@all +sentinel|get-master-addr-by-name +sentinel|sentinels +sentinel|replicas +subscribe +ping resetchannels &*"
)

// guardedGroup asks for passwords of its own at the master and at the sentinels.
func guardedGroup(t *testing.T) *redistest.Group {
	t.Helper()
	return redistest.Options{Password: masterPassword, SentinelPassword: sentinelPassword, SentinelUsers: []string{sentinelNeeds}}.Sentinel(t)
}

// withPasswords is a configuration for a guardedGroup.
func withPasswords(g *redistest.Group, username, sentinel, master string) session.RedisConfig {
	o := underSentinel(g)
	o.SentinelUsername, o.SentinelPassword, o.Password = username, secret.Text(sentinel), secret.Text(master)
	return o
}

// With the right passwords sessions survive a failover, after which an instance queries
// the Sentinels again.
func TestSentinelsWithPasswordsFailOver(t *testing.T) {
	t.Parallel()
	for name, user := range map[string][2]string{
		"default user": {"", sentinelPassword},
		"ACL user":     {"gate", "open-sesame"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			group := guardedGroup(t)
			o := withPasswords(group, user[0], user[1], masterPassword)
			a, b := openReady(t, o, topologyConfig()), openReady(t, o, askEachTime())
			users := logInMany(t, a, 20)
			authenticateAll(t, b, users)
			group.Sync()
			group.Failover()
			for _, m := range users {
				testkit.NoErrorWithin(t, eventually, func() error { return m.authenticate(t.Context(), b) })
			}
			if later := mustLogin(t, a, "later"); later.authenticate(t.Context(), b) != nil {
				t.Error("a login after the failover isn't known to the other instance")
			}
			if _, err := a.End(t.Context(), users[0].sid, session.CauseLogout); err != nil {
				t.Error(err)
			}
			testkit.NoErrorWithin(t, soon, func() error { return users[0].refused(t.Context(), b) })
		})
	}
}

// A password that is wrong or missing is an outage with a word on which key to mend.
func TestWrongPasswordsOfSentinelsAreSaid(t *testing.T) {
	t.Parallel()
	group := guardedGroup(t)
	sentinel := group.Sentinels[0].Addr
	unknown := withPasswords(group, "", sentinelPassword, masterPassword)
	unknown.MasterName = "other"
	redisItself := withPasswords(group, "", masterPassword, masterPassword)
	redisItself.Addrs = []string{group.Servers[0].Addr}
	for name, c := range map[string]struct {
		redis session.RedisConfig
		want  string
	}{
		"no sentinel password":    {withPasswords(group, "", "", masterPassword), "Sentinel " + sentinel + " asks for a password: set redis.sentinel_password"},
		"wrong sentinel password": {withPasswords(group, "", "x", masterPassword), "Sentinel " + sentinel + " refuses redis.sentinel_username or redis.sentinel_password"},
		"wrong sentinel user":     {withPasswords(group, "nobody", sentinelPassword, masterPassword), "Sentinel " + sentinel + " refuses redis.sentinel_username or redis.sentinel_password"},
		"the master's password":   {withPasswords(group, "", masterPassword, masterPassword), "Sentinel " + sentinel + " refuses redis.sentinel_username or redis.sentinel_password"},
		"no master password":      {withPasswords(group, "", sentinelPassword, ""), "Redis asks for a password: set redis.password"},
		"wrong master password":   {withPasswords(group, "", sentinelPassword, "x"), "Redis refuses redis.username or redis.password"},
		"unknown master":          {unknown, `Sentinel ` + sentinel + ` knows no master "other"`},
		"no Sentinel":             {redisItself, group.Servers[0].Addr + " is a Redis server and no Sentinel"},
	} {
		if err := openStore(t, c.redis, topologyConfig()).Ready(t.Context()); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("%s: ready with %v", name, err)
		}
		err := session.Diagnose(t.Context(), c.redis)
		if !errors.Is(err, session.ErrAdvice) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := session.Diagnose(t.Context(), withPasswords(group, "", sentinelPassword, masterPassword)); err != nil {
		t.Error(err)
	}
}

// Sentinels that have forgotten the master answer nil, which must not pass for a session,
// a jar or a code that isn't there.
func TestSentinelsThatKnowNoMasterAreAnOutage(t *testing.T) {
	t.Parallel()
	group := redistest.Sentinel(t)
	store := openReady(t, underSentinel(group), askEachTime())
	m := mustLogin(t, store, "alice")
	g, err := store.Authenticate(t.Context(), m.token)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range group.Sentinels {
		s.MustDo("SENTINEL", "REMOVE", group.Name)
	}
	group.Servers[0].Stop()
	ctx, nonces := t.Context(), 0
	for name, try := range map[string]func() error{
		"authenticate": func() error { return m.authenticate(ctx, store) },
		"login":        func() error { _, err := tryLogin(ctx, store, "bob"); return err },
		"jar":          func() error { _, err := store.Jar(ctx, &g.Session, "shop"); return err },
		"session key":  func() error { _, err := store.SessionKey(ctx, &g.Session); return err },
		"nonce": func() error {
			nonces++
			_, err := store.UseNonce(ctx, &g.Session, fmt.Sprint(nonces), time.Now().Add(time.Minute))
			return err
		},
		"access token": func() error { _, _, err := store.AccessTokens().Load(ctx, topologyApp); return err },
		"user":         func() error { _, err := store.User(ctx, topologyApp, "alice"); return err },
		"end":          func() error { _, err := store.End(ctx, m.sid, session.CauseLogout); return err },
		"ban":          func() error { _, err := store.CheckBan(ctx, topologyApp, "alice"); return err },
	} {
		// The first operation finds its connection closed, and the client asks the
		// Sentinels; nothing but the outage may come of it.
		for range 3 {
			if err := try(); !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
