package session

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	started        prometheus.Counter
	ended          *prometheus.CounterVec
	hits           prometheus.Counter
	revalidated    prometheus.Counter
	misses         prometheus.Counter
	stale          prometheus.Counter
	redisErrors    *prometheus.CounterVec
	renewals       prometheus.Counter
	resealed       prometheus.Counter
	refusedRecords prometheus.Counter
	watched        prometheus.Gauge
	limited        prometheus.Counter
	localLimits    prometheus.Counter
}

func newMetrics(registry prometheus.Registerer, s *Store) *metrics {
	with := promauto.With(registry)
	lookups := with.NewCounterVec(prometheus.CounterOpts{
		Name: "wxgate_session_lookups_total",
		Help: "Requests with a valid token by where their session came from: hit (the cache), revalidated (the cache, confirmed by Redis), miss (Redis), stale (the cache, Redis being unreachable).",
	}, []string{"result"})
	counter := func(name, help string) prometheus.Counter {
		return with.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	with.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "wxgate_sessions_cached", Help: "Sessions in use that this instance has cached.",
	}, func() float64 { return float64(s.cache.count()) })
	with.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "wxgate_redis_subscription_up", Help: "Whether events of other instances are received.",
	}, func() float64 { return truth(s.subscribed.Load()) })
	return &metrics{
		started: counter("wxgate_sessions_started_total", "Sessions started."),
		ended: with.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_sessions_ended_total", Help: "Sessions ended by this instance, by cause; expired ones by each instance that has them cached.",
		}, []string{"cause"}),
		hits: lookups.WithLabelValues("hit"), revalidated: lookups.WithLabelValues("revalidated"),
		misses: lookups.WithLabelValues("miss"), stale: lookups.WithLabelValues("stale"),
		redisErrors: with.NewCounterVec(prometheus.CounterOpts{
			Name: "wxgate_redis_errors_total", Help: "Failed Redis operations.",
		}, []string{"operation"}),
		renewals:       counter("wxgate_token_renewals_total", "Tokens renewed."),
		resealed:       counter("wxgate_session_keys_resealed_total", "Session keys sealed anew under the first secret."),
		refusedRecords: counter("wxgate_redis_records_refused_total", "Fields in Redis that were ignored because no configured secret made their MAC."),
		watched: with.NewGauge(prometheus.GaugeOpts{
			Name: "wxgate_live_streams", Help: "Requests and streams under way that end with their session.",
		}),
		limited:     counter("wxgate_rate_limited_total", "Requests refused by a rate limit."),
		localLimits: counter("wxgate_rate_limit_fallbacks_total", "Requests counted by this instance alone because Redis was unreachable."),
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
