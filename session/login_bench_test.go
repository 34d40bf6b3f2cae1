package session

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
)

// BenchmarkLogin is all that a login asks of Redis: the limit by address, the
// claim on its code, the session, and the response kept for a client that lost it.
// Each login is of an address and a user of its own; "returning" is the second
// login of each user.
//
// The processor time of Redis and of this process are also given as a ratio to
// loginSteps, in alternating blocks of the same run: a machine that is slow or
// busy is so for both. A round trip is one that the client waits for.
func BenchmarkLogin(b *testing.B) {
	for _, c := range []struct {
		name, key string
		returning bool
	}{{"no_key", "", false}, {"idempotency_key", "an-idempotency-key", false}, {"returning", "an-idempotency-key", true}} {
		b.Run(c.name, func(b *testing.B) {
			server := redistest.Start(b)
			s := openStore(b, server, nil)
			var trips tripCounter
			s.redis.AddHook(&trips)
			l := loginBench{store: s, server: server, key: c.key, steps: readLoginSteps(b)}
			l.run(b, "warm", 200, l.login)
			l.run(b, "warm", 200, l.loginStepByStep)
			var own, steps loginCost
			for round := 0; own.logins < b.N; round++ {
				n, prefix := min(500, b.N-own.logins), strconv.Itoa(round)
				if c.returning {
					l.run(b, prefix, n, l.login)
					l.run(b, prefix, n, l.loginStepByStep)
				}
				trips.n.Store(0)
				own.add(l.run(b, prefix, n, l.login))
				own.trips += trips.n.Load()
				steps.add(l.run(b, prefix, n, l.loginStepByStep))
			}
			perLogin := func(total time.Duration) float64 { return float64(total.Nanoseconds()) / 1000 / float64(own.logins) }
			b.ReportMetric(perLogin(own.redis), "redis-µs/login")
			b.ReportMetric(float64(own.redis)/float64(steps.redis), "redis-of-steps")
			b.ReportMetric(perLogin(own.process), "process-µs/login")
			b.ReportMetric(float64(own.process)/float64(steps.process), "process-of-steps")
			b.ReportMetric(float64(own.trips)/float64(own.logins), "trips/login")
			b.ReportMetric(perLogin(own.wall)*1000, "ns/op")
		})
	}
}

type loginCost struct {
	logins               int
	redis, process, wall time.Duration
	trips                int64
}

func (c *loginCost) add(o loginCost) {
	c.logins += o.logins
	c.redis += o.redis
	c.process += o.process
	c.wall += o.wall
}

type loginBench struct {
	store  *Store
	server *redistest.Server
	key    string // idempotency key
	steps  loginSteps
	codes  int // used
}

// run logs n users in, and again those whom a run with the same prefix has logged in.
func (l *loginBench) run(b *testing.B, prefix string, n int, login func(b *testing.B, openid, unionid, code string)) loginCost {
	redis, process, begin := redisTime(b, l.server), processTime(b), time.Now()
	for i := range n {
		l.codes++
		user := fmt.Sprintf("%s%07d", prefix, i)
		login(b, "oUpF8uMuAJO_M2pxb1Q9z"+user, "ocMvos6NjeKLIBqg5Mr9"+user, "code"+strconv.Itoa(l.codes))
	}
	wall := time.Since(begin)
	testkit.Within(b, time.Second, "responses stored", func() bool { return len(l.store.loginResponses) == 0 })
	return loginCost{logins: n, redis: redisTime(b, l.server) - redis, process: processTime(b) - process, wall: wall}
}

func (l *loginBench) login(b *testing.B, openid, unionid, code string) {
	login := loginOf(openid)
	login.UnionID = unionid
	use := CodeUse{AppID: appid, Code: code, IdempotencyKey: l.key, Limit: "login:" + code, Rate: Rate{Count: 30, Per: time.Minute}}
	_, err := l.store.UseCodeOnce(context.Background(), use, func(ctx context.Context) ([]byte, error) {
		token, _, _, err := l.store.Login(ctx, login)
		return []byte(token.Value.Reveal()), err
	})
	if err != nil {
		b.Fatal(err)
	}
}

// loginSteps is what a login is compared with: the same steps, each as a script and a
// round trip of its own, without MACs and without the index entry of the
// user's unionid.
type loginSteps struct{ limit, claim, login, finish script }

func readLoginSteps(b *testing.B) loginSteps {
	read := func(name string) script {
		source, err := os.ReadFile("testdata/login_steps/" + name + ".lua")
		if err != nil {
			b.Fatal(err)
		}
		return script{redis.NewScript(string(source)), name}
	}
	return loginSteps{limit: read("limit"), claim: read("claim"), login: read("login"), finish: read("finish")}
}

func (l *loginBench) loginStepByStep(b *testing.B, openid, unionid, code string) {
	ctx, s := context.Background(), l.store
	run := func(step script, keys []string, args ...any) {
		if _, err := s.redis.run(ctx, step, keys, args...); err != nil {
			b.Fatal(err)
		}
	}
	claim := s.newClaim(CodeUse{AppID: appid, Code: "steps" + code, IdempotencyKey: l.key})
	names := []string{"steps:" + s.keys.claim(claim.code), "steps:" + s.keys.response(claim.code)}
	run(l.steps.limit, []string{"steps:" + s.keys.limit(hashOf("login:"+code))}, 2_000_000, 30)
	run(l.steps.claim, names, claim.claimant, claim.key, claimTTL.Milliseconds())

	c, now := s.config.Load(), s.now()
	login := loginOf(openid)
	session := newSession(login, now, c)
	tag, random := session.ID[:halfLength], session.ID[halfLength:]
	user, prefix := "steps:"+s.keys.user(tag), "steps:"+s.keys.sessions(tag)
	if err := s.redis.HMGet(ctx, user, "b", "B").Err(); err != nil {
		b.Fatal(err)
	}
	token, _, end, err := c.issue(session, now)
	if err != nil {
		b.Fatal(err)
	}
	run(l.steps.login, []string{user, prefix + random},
		now.UnixMilli(), random, session.EndsAt.UnixMilli(), c.IdleTimeout.Milliseconds(), c.maxPerUser(),
		prefix, "steps:"+s.keys.jars(tag), end.Unix(), c.sealSessionKey(session, login.SessionKey), appid, openid, unionid, "", "", "", "")
	var sealed []byte
	if l.key != "" {
		sealed = c.keys.seal(loginResponsePurpose, []byte(token.Value.Reveal()), claim.code, claim.key)
	}
	run(l.steps.finish, names, claim.claimant, claim.key, "keep", sealed, responseTTL.Milliseconds())
}

// redisTime is the processor time that Redis has used, heartbeats of the instance included.
func redisTime(b *testing.B, server *redistest.Server) time.Duration {
	var sum float64
	for line := range strings.Lines(server.MustDo("INFO", "cpu")) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_user" || name == "used_cpu_sys" {
			seconds, err := strconv.ParseFloat(value, 64)
			if err != nil {
				b.Fatal(err)
			}
			sum += seconds
		}
	}
	return time.Duration(sum * float64(time.Second))
}

// processTime is the processor time that this process has used.
func processTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// tripCounter counts round trips, publications aside.
type tripCounter struct{ n atomic.Int64 }

func (c *tripCounter) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *tripCounter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() != "publish" {
			c.n.Add(1)
		}
		return next(ctx, cmd)
	}
}

func (c *tripCounter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmds)
	}
}
