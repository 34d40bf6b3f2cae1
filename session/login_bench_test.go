package session

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"wxgate/internal/testkit/redistest"
)

// BenchmarkLogin is all that a login asks of Redis: the limit by address, the
// claim on its code, the session, and the reply kept for a client that lost it.
// Redis's processor time is its own account of it; a trip is a request that the
// client waits for.
func BenchmarkLogin(b *testing.B) {
	for name, key := range map[string]string{"no_key": "", "idempotency_key": "an-idempotency-key"} {
		b.Run(name, func(b *testing.B) {
			server := redistest.Start(b)
			s := openStore(b, server, nil)
			var trips tripCounter
			s.redis.AddHook(&trips)
			benchmarkLogins(b, s, 1000, key, "warm")
			trips.n.Store(0)
			before := processorTime(b, server)
			b.ResetTimer()
			benchmarkLogins(b, s, b.N, key, "timed")
			b.StopTimer()
			b.ReportMetric(float64((processorTime(b, server)-before).Nanoseconds())/1000/float64(b.N), "redis-µs/login")
			b.ReportMetric(float64(trips.n.Load())/float64(b.N), "trips/login")
		})
	}
}

func benchmarkLogins(b *testing.B, s *Store, n int, key, prefix string) {
	ctx := context.Background()
	rate := Rate{Count: 1 << 20, Per: time.Second}
	for i := range n {
		openid := fmt.Sprintf("oUpF8uMuAJO_M2pxb1Q9z%s%07d", prefix, i)
		login := loginOf(openid)
		login.UnionID = fmt.Sprintf("ocMvos6NjeKLIBqg5Mr9%s%07d", prefix, i)
		use := CodeUse{AppID: appid, Code: openid, IdempotencyKey: key, Limit: "login:192.0.2.1", Rate: rate}
		_, err := s.UseCodeOnce(ctx, use, func(ctx context.Context) ([]byte, error) {
			token, _, _, err := s.Login(ctx, login)
			return []byte(token.Value.Reveal()), err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// processorTime is what Redis has used, heartbeats of the instance included.
func processorTime(b *testing.B, server *redistest.Server) time.Duration {
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
