package session

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"wxgate/internal/testkit/redistest"
)

func BenchmarkAuthenticateWarm(b *testing.B) {
	for _, format := range []string{FormatJWT, FormatOpaque} {
		b.Run(format, func(b *testing.B) {
			s := openStore(b, nil, func(o *Config) { o.TokenFormat = format; o.CacheTTL = 1 << 60 })
			token, _ := logIn(b, s, "oA")
			authenticated(b, s, token)
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Authenticate(ctx, token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAuthenticateAmongSessions walks through sessions in an order that has nothing
// to do with where they lie in memory. The texts of the tokens lie in that order, one
// after the other: a server has the text in its processor's cache, from the connection.
func BenchmarkAuthenticateAmongSessions(b *testing.B) {
	for _, sessions := range []int{1, 1_000, 100_000} {
		b.Run(strconv.Itoa(sessions), func(b *testing.B) {
			s := openStore(b, nil, func(o *Config) { o.CacheTTL = 1 << 60; o.CacheSize = sessions })
			created := make([]string, sessions)
			for i := range created {
				created[i] = cacheOne(b, s, i)
			}
			if n := s.cache.count(); n != sessions {
				b.Fatalf("%d cached", n)
			}
			tokens := inRandomOrder(created)
			ctx, i := context.Background(), 0
			b.ReportAllocs()
			before := processTime(b)
			for b.Loop() {
				auth, err := s.Authenticate(ctx, tokens[i])
				if err != nil {
					b.Fatal(err)
				}
				s.Watch(auth, func() {}).Stop()
				if i++; i == sessions {
					i = 0
				}
			}
			b.ReportMetric(float64(processTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// inRandomOrder copies texts into one piece of memory.
func inRandomOrder(texts []string) []string {
	var all strings.Builder
	order := rand.New(rand.NewPCG(1, 2)).Perm(len(texts))
	for _, i := range order {
		all.WriteString(texts[i])
	}
	rest, result := all.String(), make([]string, len(texts))
	for n, i := range order {
		result[n], rest = rest[:len(texts[i])], rest[len(texts[i]):]
	}
	return result
}

func BenchmarkAuthenticateAsking(b *testing.B) {
	s := openStore(b, redistest.Start(b), func(o *Config) { o.CacheTTL = 0 })
	token, _ := logIn(b, s, "oA")
	authenticated(b, s, token)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Authenticate(ctx, token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWatch(b *testing.B) {
	s := openStore(b, nil, nil)
	token, _ := logIn(b, s, "oA")
	g := authenticated(b, s, token)
	cut := func() {}
	b.ReportAllocs()
	for b.Loop() {
		s.Watch(g, cut).Stop()
	}
}

// BenchmarkBytesPerCachedSession tells what a session costs an instance that has seen
// its token: everything that is kept for it.
func BenchmarkBytesPerCachedSession(b *testing.B) {
	const sessions = 50_000
	for b.Loop() {
		s := openStore(b, nil, func(o *Config) { o.CacheTTL = 1 << 60 })
		before := heap()
		for i := range sessions {
			cacheOne(b, s, i)
		}
		b.ReportMetric(float64(heap()-before)/sessions, "B/session")
		if n := s.cache.count(); n != sessions {
			b.Fatalf("%d cached", n)
		}
		runtime.KeepAlive(s)
	}
}

// cacheOne caches a session as a reply of Redis and a valid token do, with newly
// allocated strings.
func cacheOne(b *testing.B, s *Store, i int) (token string) {
	l := Login{AppID: appid, OpenID: fmt.Sprintf("oUpF8uMuAJO_M2pxb1Q9z%07d", i), UnionID: fmt.Sprintf("ocMvos6NjeKLIBqg5Mr9Q%07d", i)}
	session := newSession(l, s.now(), s.config.Load())
	issued, _, end, err := s.config.Load().issue(session, s.now())
	if err != nil {
		b.Fatal(err)
	}
	a := storedSession{session: session, lastSeen: s.now(), tokenEnd: end.Unix()}
	text := issued.Value.Reveal()
	l2 := s.cache.insert(a, s.cache.readVersion(session.ID, s.now(), s.epoch.Load()))
	cached := cachedToken{session: l2, end: seconds32(end.Unix()), key: s.config.Load().keys[0].id, hash: hashToken(text)}
	if _, err := s.cacheVerified(cached, s.config.Load(), s.now()); err != nil {
		b.Fatal(err)
	}
	return text
}

func heap() int64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkRedisBytesPerSession logs in SESSIONS users, 1,000,000 by default,
// by the script that every login runs, and reports the memory that Redis
// needs for each, by used_memory: the user, the session and the entry of the index; and
// with an avatar, a nickname, a phone, a user id and a role too. It takes some minutes.
func BenchmarkRedisBytesPerSession(b *testing.B) {
	sessions := 1_000_000
	if n, err := strconv.Atoi(os.Getenv("SESSIONS")); err == nil {
		sessions = n
	}
	for _, users := range []struct {
		name, format string
		full         bool
	}{{"jwt", FormatJWT, false}, {"opaque", FormatOpaque, false}, {"profile_and_phone", FormatJWT, true}} {
		b.Run(users.name, func(b *testing.B) {
			for b.Loop() {
				server := redistest.Start(b)
				s := openStore(b, server, func(o *Config) { o.Redis.KeyPrefix = "wxgate:"; o.TokenFormat = users.format })
				logInSome(b, s, -1, 1, true) // loads the scripts
				before := usedMemory(b, server)
				for i := 0; i < sessions; i += 100 {
					logInSome(b, s, i, min(100, sessions-i), users.full)
				}
				b.ReportMetric(float64(usedMemory(b, server)-before)/float64(sessions), "B/session")
				server.Stop()
			}
		})
	}
}

func logInSome(b *testing.B, s *Store, from, n int, full bool) {
	var calls []*call
	c, now := s.config.Load(), s.now()
	for i := from; i < from+n; i++ {
		login := loginOf(fmt.Sprintf("oUpF8uMuAJO_M2pxb1Q9z%07d", i))
		login.UnionID = fmt.Sprintf("ocMvos6NjeKLIBqg5Mr9Q%07d", i)
		if full {
			number := fmt.Sprintf("138%08d", i)
			login.Phone, login.UserID, login.Roles = &Phone{number, number, "86"}, strconv.Itoa(i), []string{"member"}
		}
		l := loginCall{login: login, session: newSession(login, now, c), now: now}
		var err error
		if _, l.opaque, l.tokenEnd, err = c.issue(l.session, now); err != nil {
			b.Fatal(err)
		}
		calls = append(calls, s.loginCalls(c, l)...)
		if tag := tagOf(l.session.ID); full {
			avatar := "https://thirdwx.qlogo.cn/mmopen/vi_32/POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg/132"
			text := writeJSON(Profile{"微信用户小明", avatar})
			calls = append(calls, &call{script: setProfileScript, keys: []string{s.keys.user(tag), s.keys.profile(tag)}, args: []any{text}})
		}
	}
	s.redis.runAll(context.Background(), calls)
	for _, call := range calls {
		if call.err != nil {
			b.Fatal(call.err)
		}
	}
}

func usedMemory(b *testing.B, server *redistest.Server) int {
	for _, line := range strings.Split(server.MustDo("INFO", "memory"), "\n") {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
			n, err := strconv.Atoi(text)
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	b.Fatal("no used_memory")
	return 0
}
