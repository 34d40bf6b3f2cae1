package session

import (
	"cmp"
	"context"

	"github.com/redis/go-redis/v9"
)

// call is one operation in a batch: a run of a script, or a plain command.
type call struct {
	script script // without a name: none
	keys   []string
	args   []any
	reply  any
	err    error // nil, or as of redisClient.do
}

const batchSize = 200

// runAll runs the calls in their order, a batch of them in one round trip. In a
// cluster the order holds within a slot.
func (r *redisClient) runAll(ctx context.Context, calls []*call) {
	for len(calls) > 0 {
		n := min(batchSize, len(calls))
		r.runBatch(ctx, calls[:n])
		calls = calls[n:]
	}
}

func (r *redisClient) runBatch(ctx context.Context, calls []*call) {
	pipe := r.Pipeline()
	sent := make([]*redis.Cmd, len(calls))
	for i, c := range calls {
		if r.circuitOf(c.keys[0]).open.Load() {
			c.err = unavailable(c.name(), errCircuitOpen)
			continue
		}
		sent[i] = c.queue(ctx, pipe)
	}
	_, err := pipe.Exec(ctx)
	for i, cmd := range sent {
		if cmd != nil {
			r.readResult(ctx, calls[i], cmd, err)
		}
	}
}

func (c *call) name() string {
	if c.script.name != "" {
		return c.script.name
	}
	name, _ := c.args[0].(string)
	return name
}

func (c *call) queue(ctx context.Context, pipe redis.Pipeliner) *redis.Cmd {
	if c.script.name != "" {
		return c.script.EvalSha(ctx, pipe, c.keys, c.args...)
	}
	return pipe.Do(ctx, c.args...)
}

func (r *redisClient) readResult(ctx context.Context, c *call, cmd *redis.Cmd, failed error) {
	if redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") { // a Redis that has restarted: the first run loads the script
		c.reply, c.err = r.run(ctx, c.script, c.keys, c.args...)
		return
	}
	result, err := cmd.Result()
	if result == nil && err == nil { // never sent: the connection could not be set up
		err = cmp.Or(failed, errUnexpectedReply)
	}
	c.reply, c.err = result, r.classifyError(ctx, c.name(), c.keys[0], err)
}
