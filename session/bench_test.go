package session

import (
	"context"
	"fmt"
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
			granted(b, s, token)
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

func BenchmarkAuthenticateAsking(b *testing.B) {
	s := openStore(b, redistest.Start(b), func(o *Config) { o.CacheTTL = 0 })
	token, _ := logIn(b, s, "oA")
	granted(b, s, token)
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
	g := granted(b, s, token)
	cut := func() {}
	b.ReportAllocs()
	for b.Loop() {
		s.Watch(g, cut)()
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

// cacheOne takes a session into the cache as a reply of Redis and a good
// token would, each string allocated anew.
func cacheOne(b *testing.B, s *Store, i int) {
	l := Login{AppID: appid, OpenID: fmt.Sprintf("oUpF8uMuAJO_M2pxb1Q9z%07d", i), UnionID: fmt.Sprintf("ocMvos6NjeKLIBqg5Mr9Q%07d", i)}
	session := newSession(l, s.now(), s.config.Load())
	token, _, end, err := s.config.Load().issue(session, s.now())
	if err != nil {
		b.Fatal(err)
	}
	a := storedSession{session: session, lastSeen: s.now(), tokenEnd: end.Unix()}
	text := token.Value.Reveal()
	l2 := s.cache.insert(a, s.cache.readVersion(session.ID, s.now(), s.epoch.Load()))
	if _, err := s.remember(hashToken(text), cachedToken{l2, end.Unix(), s.config.Load().keys[0].id}, s.config.Load(), s.now()); err != nil {
		b.Fatal(err)
	}
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
// by the script that every login runs, and tells what Redis needs for each:
// the user, his session and their index, by used_memory. It takes two or three minutes.
func BenchmarkRedisBytesPerSession(b *testing.B) {
	sessions := 1_000_000
	if n, err := strconv.Atoi(os.Getenv("SESSIONS")); err == nil {
		sessions = n
	}
	for _, format := range []string{FormatJWT, FormatOpaque} {
		b.Run(format, func(b *testing.B) {
			for b.Loop() {
				server := redistest.Start(b)
				s := openStore(b, server, func(o *Config) { o.Redis.KeyPrefix = "wxgate:"; o.TokenFormat = format })
				logIn(b, s, "the first brings the script")
				before := usedMemory(b, server)
				for i := 0; i < sessions; i += 1000 {
					logInMany(b, s, i, min(1000, sessions-i))
				}
				b.ReportMetric(float64(usedMemory(b, server)-before)/float64(sessions), "B/session")
				server.Stop()
			}
		})
	}
}

func logInMany(b *testing.B, s *Store, from, n int) {
	calls := make([]*call, n)
	c, now := s.config.Load(), s.now()
	for i := range calls {
		login := loginOf(fmt.Sprintf("oUpF8uMuAJO_M2pxb1Q9z%07d", from+i))
		login.UnionID = fmt.Sprintf("ocMvos6NjeKLIBqg5Mr9Q%07d", from+i)
		session := newSession(login, now, c)
		_, field, end, err := c.issue(session, now)
		if err != nil {
			b.Fatal(err)
		}
		calls[i] = &call{}
		calls[i].keys, calls[i].args = s.loginCall(c, login, session, now, field, end)
	}
	s.redis.runAll(context.Background(), loginScript, calls)
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
