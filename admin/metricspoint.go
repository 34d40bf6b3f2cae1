package admin

import (
	"time"
)

// point is one point of the console's charts: the interval between two samples, which
// ends at At.
type point struct {
	At        time.Time `json:"at"`
	PerSecond float64   `json:"per_second"`
	Errors    float64   `json:"errors_per_second"` // responses with status 5xx
	P50       float64   `json:"p50_seconds"`
	P99       float64   `json:"p99_seconds"`
	InFlight  float64   `json:"in_flight"`
	Sockets   float64   `json:"sockets"`
	Sessions  float64   `json:"sessions"`
}

func newPoint(earlier, later sample) point {
	d := later.since(earlier)
	return point{
		At: later.at.UTC(), PerSecond: d.perSecond(d.totalResponses()), Errors: d.perSecond(d.responses["5xx"]),
		P50: d.quantile(.5), P99: d.quantile(.99),
		InFlight: later.gauges[metricInFlight], Sockets: later.gauges[metricSockets], Sessions: later.gauges[metricSessions],
	}
}
