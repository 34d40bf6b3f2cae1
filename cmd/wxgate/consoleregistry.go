package main

import (
	"github.com/prometheus/client_golang/prometheus"
)

// consoleRegistry registers collectors in two registries: the one of /metrics, and
// a small one for the metrics that the console shows. The console gathers its own
// every two seconds; gathering all would cost several times as much.
type consoleRegistry struct {
	all     prometheus.Registerer
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
