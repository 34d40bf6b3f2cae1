package session

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// call is one run of a script in a batch.
type call struct {
	keys   []string
	args   []any
	answer any
	err    error // nil, or as of backend.ask
}

const batchSize = 200

// runAll runs a script once for each call, a batch of them in one round trip.
func (b *backend) runAll(ctx context.Context, s script, calls []*call) {
	for len(calls) > 0 {
		n := min(batchSize, len(calls))
		b.runBatch(ctx, s, calls[:n])
		calls = calls[n:]
	}
}

func (b *backend) runBatch(ctx context.Context, s script, calls []*call) {
	pipe := b.Pipeline()
	sent := make(map[*call]*redis.Cmd, len(calls))
	for _, c := range calls {
		if b.gateOf(c.keys[0]).shut.Load() {
			c.err = unavailable(s.name, errShut)
			continue
		}
		sent[c] = s.EvalSha(ctx, pipe, c.keys, c.args...)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	for c, cmd := range sent {
		b.takeResult(ctx, s, c, cmd)
	}
}

func (b *backend) takeResult(ctx context.Context, s script, c *call, cmd *redis.Cmd) {
	if redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") { // a Redis that has restarted: the first brings the script again
		c.answer, c.err = b.run(ctx, s, c.keys, c.args...)
		return
	}
	answer, err := cmd.Result()
	c.answer, c.err = answer, b.judge(ctx, s.name, c.keys[0], err)
}
