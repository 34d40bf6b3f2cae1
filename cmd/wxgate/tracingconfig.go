package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"wxgate/internal/config"
	"wxgate/internal/tracing"
)

func tracingConfig(c *config.Config, log *logger, reg prometheus.Registerer) tracing.Config {
	out := tracing.Config{
		Protocol: c.Tracing.Protocol, Sample: float64(c.Tracing.Sample), Headers: c.Tracing.Headers,
		Version: currentBuild().Version, Registry: reg, Log: log.Named("tracing"),
	}
	if c.Tracing.Endpoint.URL != nil {
		out.Endpoint = c.Tracing.Endpoint.String()
	}
	return out
}
