package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// reloadMetrics show whether the config file on disk is the one that is applied.
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
			Name: "wxgate_config_last_applied_timestamp_seconds", Help: "When the current configuration was applied, in Unix time.",
		}),
	}
	m.applied()
	return m
}

func (m reloadMetrics) applied() {
	m.successful.Set(1)
	m.appliedAt.SetToCurrentTime()
}
