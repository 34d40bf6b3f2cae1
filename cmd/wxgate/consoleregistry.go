package main

import (
	"github.com/prometheus/client_golang/prometheus"
)

// consoleRegistry registers each collector twice: in the registry of /metrics, and in a
// small one with the metrics that the console shows. The console gathers its metrics
// every two seconds; gathering all of them would cost several times as much.
type consoleRegistry struct {
	all     prometheus.Registerer // of /metrics
	console *prometheus.Registry
}

func newConsoleRegistry(all prometheus.Registerer) consoleRegistry {
	return consoleRegistry{all, prometheus.NewRegistry()}
}

func (r consoleRegistry) Register(c prometheus.Collector) error {
	if err := r.all.Register(c); err != nil {
		return err
	}
	return r.console.Register(c)
}

func (r consoleRegistry) MustRegister(list ...prometheus.Collector) {
	r.all.MustRegister(list...)
	r.console.MustRegister(list...)
}

func (r consoleRegistry) Unregister(c prometheus.Collector) bool {
	r.console.Unregister(c)
	return r.all.Unregister(c)
}
