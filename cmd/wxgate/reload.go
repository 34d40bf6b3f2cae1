package main

import (
	"context"
	"fmt"
	"strings"

	"go.uber.org/zap"

	"wxgate/internal/config"
)

// reloadFile reads the file and puts it in force, or logs why not. It gives the
// fingerprint of what it read, so that an invalid file is refused once.
func (p *process) reloadFile(ctx context.Context, file string) (read string) {
	before := fingerprint(p.config.Files)
	next, err := loadConfig(file)
	if err != nil {
		p.refused(err)
		return before
	}
	read = fingerprint(next.Files)
	if err := p.reload(ctx, next); err != nil {
		p.refused(err)
		return before
	}
	p.accepted(file, next)
	return read
}

func (p *process) accepted(file string, c *config.Config) {
	p.reloads.outcomes.WithLabelValues("applied").Inc()
	p.reloads.applied()
	p.log.Info("config applied", zap.String("file", file), zap.Int("routes", len(c.Routes)))
	for _, w := range c.Warnings {
		p.log.Warn("config", zap.String("warning", w.Error()))
	}
}

func (p *process) refused(err error) {
	p.reloads.outcomes.WithLabelValues("refused").Inc()
	p.reloads.successful.Set(0)
	for line := range strings.SplitSeq(err.Error(), "\n") {
		p.log.Error("config refused, keeping the previous configuration", zap.String("problem", line))
	}
}

// reload puts another config in force, whole or not at all. Keys that only
// a new start can change are logged and keep their values.
func (p *process) reload(ctx context.Context, next *config.Config) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	gen := p.groups.begin()
	public, err := proxyConfig(next, gen.group)
	if err != nil {
		gen.rollback()
		return err
	}
	if err := p.sessions.Configure(sessionConfig(next)); err != nil {
		gen.rollback()
		return fmt.Errorf("session: %w", err)
	}
	if err := p.wechat.Configure(wechatConfig(next)); err != nil {
		gen.rollback()
		return err
	}
	p.gateway.Configure(public)
	p.admin.Configure(adminConfig(next))
	p.log.setLevel(next.Log.Level)
	gen.commit()
	for _, key := range config.RestartKeys(p.startConfig, next) {
		p.log.Warn("this change takes effect at the next start", zap.String("key", key))
	}
	p.config = next
	return nil
}
