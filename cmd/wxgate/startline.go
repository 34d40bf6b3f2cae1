package main

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// redisStartTimeout is how long the start waits for Redis, so that the first log
// line says whether it responds.
const redisStartTimeout = 800 * time.Millisecond

// logStart writes the first log line: version, config file, and whether Redis
// responds. The gateway also starts without Redis, but is not ready.
func (p *process) logStart(ctx context.Context, file string) {
	defer p.log.out.release() // if the log level omits the line
	b := currentBuild()
	fields := []zap.Field{
		zap.String("version", b.Version), zap.String("config", file),
		zap.Int("apps", len(p.config.Apps)), zap.Int("routes", len(p.config.Routes)), zap.String("store", describeStore(p.config)),
	}
	if len(p.config.Redis.Addrs) == 0 {
		p.log.first.Warn("starting; sessions are stored in this process, lost when it stops, and not shared", fields...)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, redisStartTimeout)
	defer cancel()
	if err := waitReady(ctx, p.sessions); err != nil {
		p.log.first.Error("starting; Redis does not respond, sessions can't be read until it does", append(fields, zap.Bool("redis_answers", false), zap.Error(err))...)
		return
	}
	p.log.first.Info("starting", append(fields, zap.Bool("redis_answers", true))...)
}
