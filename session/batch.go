package session

import (
	"cmp"
	"context"

	"github.com/redis/go-redis/v9"
)

// call is one operation of a batch: a script, or a plain command.
type call struct {
	script script // the zero value: a plain command, in args
	keys   []string
	args   []any
	reply  any
	err    error // an error that redisClient.do can return, or nil
}

const batchSize = 200

// runAll runs the calls in order, with one round trip for each batchSize of them. In a
// cluster only calls of the same slot are ordered.
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
	if redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") { // Redis has restarted: run loads the script again
		c.reply, c.err = r.run(ctx, c.script, c.keys, c.args...)
		return
	}
	result, err := cmd.Result()
	if result == nil && err == nil { // never sent: there was no connection
		err = cmp.Or(failed, errUnexpectedReply)
	}
	c.reply, c.err = result, r.classifyError(ctx, c.name(), c.keys[0], err)
}
