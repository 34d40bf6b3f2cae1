package session

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// call is one run of a script in a batch.
type call struct {
	keys  []string
	args  []any
	reply any
	err   error // nil, or as of redisClient.do
}

const batchSize = 200

// runAll runs a script once for each call, a batch of them in one round trip.
func (r *redisClient) runAll(ctx context.Context, s script, calls []*call) {
	for len(calls) > 0 {
		n := min(batchSize, len(calls))
		r.runBatch(ctx, s, calls[:n])
		calls = calls[n:]
	}
}

func (r *redisClient) runBatch(ctx context.Context, s script, calls []*call) {
	pipe := r.Pipeline()
	sent := make(map[*call]*redis.Cmd, len(calls))
	for _, c := range calls {
		if r.circuitOf(c.keys[0]).open.Load() {
			c.err = unavailable(s.name, errCircuitOpen)
			continue
		}
		sent[c] = s.EvalSha(ctx, pipe, c.keys, c.args...)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	for c, cmd := range sent {
		r.readResult(ctx, s, c, cmd)
	}
}

func (r *redisClient) readResult(ctx context.Context, s script, c *call, cmd *redis.Cmd) {
	if redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") { // a Redis that has restarted: the first run loads the script
		c.reply, c.err = r.run(ctx, s, c.keys, c.args...)
		return
	}
	answer, err := cmd.Result()
	c.reply, c.err = answer, r.classifyError(ctx, s.name, c.keys[0], err)
}
