package main

import (
	"context"
	"fmt"
	"strings"

	"go.uber.org/zap"

	"wxgate/internal/config"
)

// reload loads the config file and applies it, or logs why it is refused. It
// returns the fingerprint of the files that it read, so that an invalid file is
// refused once and not at every poll.
func (p *process) reload(ctx context.Context, file string) (loaded string) {
	before := fingerprint(p.config.Files)
	next, err := loadConfig(file)
	if err != nil {
		p.recordRefused(err)
		return before
	}
	loaded = fingerprint(next.Files)
	if err := p.apply(ctx, next); err != nil {
		p.recordRefused(err)
		return before
	}
	p.recordApplied(file, next)
	return loaded
}

func (p *process) recordApplied(file string, c *config.Config) {
	p.reloads.outcomes.WithLabelValues("applied").Inc()
	p.reloads.applied()
	p.log.Info("config applied", zap.String("file", file), zap.Int("routes", len(c.Routes)))
	for _, w := range c.Warnings {
		p.log.Warn("config", zap.String("warning", w.Error()))
	}
}

func (p *process) recordRefused(err error) {
	p.reloads.outcomes.WithLabelValues("refused").Inc()
	p.reloads.successful.Set(0)
	for line := range strings.SplitSeq(err.Error(), "\n") {
		p.log.Error("config refused, keeping the previous configuration", zap.String("problem", line))
	}
}

// apply replaces the configuration of every package by next, or changes nothing and
// returns an error. (wechat.Configure, which follows sessions.Configure, can't fail:
// loadConfig has validated its part.) Changed keys that need a restart are logged and keep
// their values.
func (p *process) apply(ctx context.Context, next *config.Config) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	update := p.groups.begin()
	public, err := proxyConfig(next, update.group)
	if err != nil {
		update.rollback()
		return err
	}
	if err := p.sessions.Configure(sessionConfig(next)); err != nil {
		update.rollback()
		return fmt.Errorf("session: %w", err)
	}
	if err := p.wechat.Configure(wechatConfig(next)); err != nil {
		update.rollback()
		return err
	}
	p.gateway.Configure(public)
	p.admin.Configure(adminConfig(next))
	p.log.setLevel(next.Log.Level)
	update.commit()
	for _, key := range config.RestartKeys(p.startConfig, next) {
		p.log.Warn("this change takes effect at the next start", zap.String("key", key))
	}
	p.config = next
	return nil
}
