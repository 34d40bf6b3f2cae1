package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.uber.org/zap"

	"wxgate/internal/config"
)

// reloadMetrics say whether the configuration on disk is the one in force.
type reloadMetrics struct {
	outcomes   *prometheus.CounterVec
	successful prometheus.Gauge
	appliedAt  prometheus.Gauge
}

func newReloadMetrics(reg prometheus.Registerer) reloadMetrics {
	f := promauto.With(reg)
	m := reloadMetrics{
		outcomes: f.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_config_reloads_total", Help: "Reloads of the config file, by outcome: applied or refused.",
		}, []string{"outcome"}),
		successful: f.NewGauge(prometheus.GaugeOpts{
			Name: "wxgate_config_last_reload_successful", Help: "1 while the last reload was applied, 0 while it was refused.",
		}),
		appliedAt: f.NewGauge(prometheus.GaugeOpts{
			Name: "wxgate_config_last_applied_timestamp_seconds", Help: "When the configuration in force was applied, in Unix time.",
		}),
	}
	m.applied()
	return m
}

func (m reloadMetrics) applied() {
	m.successful.Set(1)
	m.appliedAt.SetToCurrentTime()
}

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
