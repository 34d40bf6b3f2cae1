package main

import (
	"github.com/prometheus/client_golang/prometheus"
)

// figuresRegistry registers collectors twice: with all others, and with the few that
// the console's figures come from. These are read every two seconds, and reading all
// of them would cost several times as much.
type figuresRegistry struct {
	all     prometheus.Registerer
	figures *prometheus.Registry
}

func newFiguresRegistry(all prometheus.Registerer) figuresRegistry {
	return figuresRegistry{all, prometheus.NewRegistry()}
}

func (r figuresRegistry) Register(c prometheus.Collector) error {
	if err := r.all.Register(c); err != nil {
		return err
	}
	return r.figures.Register(c)
}

func (r figuresRegistry) MustRegister(list ...prometheus.Collector) {
	r.all.MustRegister(list...)
	r.figures.MustRegister(list...)
}

func (r figuresRegistry) Unregister(c prometheus.Collector) bool {
	r.figures.Unregister(c)
	return r.all.Unregister(c)
}
