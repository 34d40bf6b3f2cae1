package main

import (
	"wxgate/internal/config"
	"wxgate/proxy/upstream"
)

func upstreamConfig(r *config.Route) upstream.Config {
	uc := upstream.Config{
		Name: r.Name, Balance: r.Balance, Retries: r.Retries, Timeout: r.Timeout.Std(), PreserveHost: r.PreserveHost,
		Health: upstream.Health{
			Path: r.Health.Path, Interval: r.Health.Interval.Std(), Timeout: r.Health.Timeout.Std(),
			Healthy: r.Health.Healthy, Unhealthy: r.Health.Unhealthy,
		},
		Eject: upstream.Eject{Failures: r.Eject.Failures, For: r.Eject.For.Std()},
	}
	for _, u := range r.Upstreams {
		uc.Targets = append(uc.Targets, upstream.Target{
			URL: u.URL.URL, Weight: u.Weight,
			CAFile: string(u.CAFile), CertFile: string(u.CertFile), KeyFile: string(u.KeyFile), ServerName: u.ServerName,
		})
	}
	return uc
}
