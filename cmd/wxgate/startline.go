package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"wxgate/internal/config"
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

// describeStore says where sessions are kept.
func describeStore(c *config.Config) string {
	addrs := strings.Join(addresses(c.Redis.Addrs), ", ")
	switch {
	case addrs == "":
		return "sessions in this process"
	case c.Redis.MasterName != "":
		return fmt.Sprintf("Redis master %s by Sentinel at %s", c.Redis.MasterName, addrs)
	case c.Redis.Cluster:
		return "Redis Cluster at " + addrs
	}
	return "Redis at " + addrs
}

// describeConfig is what check ends with.
func describeConfig(c *config.Config) string {
	return fmt.Sprintf("config ok: %s, %s, %s", counted(len(c.Apps), "app"), counted(len(c.Routes), "route"), describeStore(c))
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
