package main

import (
	"context"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"go.uber.org/zap"

	"wxgate/internal/config"
)

// reloadMetrics say whether the configuration on disk is the one in force.
type reloadMetrics struct {
	outcomes *prometheus.CounterVec
	good     prometheus.Gauge
	at       prometheus.Gauge
}

func newReloadMetrics(reg prometheus.Registerer) reloadMetrics {
	f := promauto.With(reg)
	m := reloadMetrics{
		outcomes: f.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_config_reloads_total", Help: "Reloads of the config file, by outcome: applied or refused.",
		}, []string{"outcome"}),
		good: f.NewGauge(prometheus.GaugeOpts{
			Name: "wxgate_config_last_reload_successful", Help: "1 while the last reload was applied, 0 while it was refused.",
		}),
		at: f.NewGauge(prometheus.GaugeOpts{
			Name: "wxgate_config_last_applied_timestamp_seconds", Help: "When the configuration in force was applied, in Unix time.",
		}),
	}
	m.applied()
	return m
}

func (m reloadMetrics) applied() {
	m.good.Set(1)
	m.at.SetToCurrentTime()
}

// reloadFile reads the file and puts it in force, or says why not. It gives
// the fingerprint of what it read, so that a bad file is refused once.
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
	p.reloads.good.Set(0)
	for line := range strings.SplitSeq(err.Error(), "\n") {
		p.log.Error("config refused, keeping the previous configuration", zap.String("problem", line))
	}
}
