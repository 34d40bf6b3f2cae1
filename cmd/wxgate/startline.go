package main

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// redisAnswerLimit is what the start waits for Redis, so that the first line of
// the log says whether it is there.
const redisAnswerLimit = 800 * time.Millisecond

// logStart writes the log's first line: what runs, from which file, and whether
// Redis answers. The gateway starts without it, and is not ready meanwhile.
func (p *process) logStart(ctx context.Context, file string) {
	defer p.log.out.release() // where the level leaves the line out
	b := currentBuild()
	fields := []zap.Field{
		zap.String("version", b.Version), zap.String("config", file),
		zap.Int("apps", len(p.config.Apps)), zap.Int("routes", len(p.config.Routes)), zap.String("store", describeStore(p.config)),
	}
	if len(p.config.Redis.Addrs) == 0 {
		p.log.first.Warn("starting; sessions are stored in this process, lost when it stops, and not shared", fields...)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, redisAnswerLimit)
	defer cancel()
	if err := waitReady(ctx, p.sessions); err != nil {
		p.log.first.Error("starting; Redis does not answer, sessions can't be read until it does", append(fields, zap.Bool("redis_answers", false), zap.Error(err))...)
		return
	}
	p.log.first.Info("starting", append(fields, zap.Bool("redis_answers", true))...)
}
