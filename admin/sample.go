package admin

import (
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// The metrics that the figures come from, as docs/metrics.md has them.
const (
	metricRequests = "wxgate_requests_total"
	metricErrors   = "wxgate_errors_total"
	metricDuration = "wxgate_request_duration_seconds"

	metricInFlight = "wxgate_requests_in_flight"
	metricSockets  = "wxgate_websockets_open"
	metricStreams  = "wxgate_live_streams"
	metricSessions = "wxgate_sessions_cached"
	metricStarted  = "wxgate_sessions_started_total"
	metricEnded    = "wxgate_sessions_ended_total"
	metricReloadOK = "wxgate_config_last_reload_successful"
	metricReloadAt = "wxgate_config_last_applied_timestamp_seconds"
)

// sample is what the metrics said at one time.
type sample struct {
	at      time.Time
	answers map[string]float64 // by class of status: 2xx
	errors  map[string]float64 // by the gateway's code
	buckets []bucket           // of durations
	timed   float64            // how many durations; those above the highest bound included
	gauges  map[string]float64 // of all labels together
}

// bucket counts what lasted up to so many seconds, the buckets below it included.
type bucket struct{ upTo, count float64 }

func newSample(at time.Time, families []*dto.MetricFamily) sample {
	s := sample{at: at, answers: map[string]float64{}, errors: map[string]float64{}, gauges: map[string]float64{}}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			s.read(f.GetName(), m)
		}
	}
	return s
}

func (s *sample) read(name string, m *dto.Metric) {
	switch name {
	case metricRequests:
		s.answers[statusClass(label(m, "status"))] += m.GetCounter().GetValue()
	case metricErrors:
		s.errors[label(m, "code")] += m.GetCounter().GetValue()
	case metricDuration:
		s.addBuckets(m.GetHistogram().GetBucket())
		s.timed += float64(m.GetHistogram().GetSampleCount())
	case metricInFlight, metricSockets, metricStreams, metricSessions, metricStarted, metricEnded, metricReloadOK, metricReloadAt:
		s.gauges[name] += m.GetGauge().GetValue() + m.GetCounter().GetValue() // one of them is nil
	}
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

func statusClass(status string) string {
	if status == "" {
		return "other"
	}
	return status[:1] + "xx"
}

// addBuckets adds a route's buckets to those of the others, which have the same
// bounds.
func (s *sample) addBuckets(list []*dto.Bucket) {
	if s.buckets == nil {
		s.buckets = make([]bucket, len(list))
	}
	for i, b := range list[:min(len(list), len(s.buckets))] {
		s.buckets[i].upTo = b.GetUpperBound()
		s.buckets[i].count += float64(b.GetCumulativeCount())
	}
}

// delta is what happened between two samples.
type delta struct {
	seconds float64
	answers map[string]float64
	errors  map[string]float64
	buckets []bucket
	timed   float64
}

func (s sample) since(before sample) delta {
	d := delta{
		seconds: s.at.Sub(before.at).Seconds(), answers: subtract(s.answers, before.answers), errors: subtract(s.errors, before.errors),
		buckets: slices.Clone(s.buckets), timed: s.timed - before.timed,
	}
	for i := range min(len(d.buckets), len(before.buckets)) {
		d.buckets[i].count -= before.buckets[i].count
	}
	return d
}

func subtract(now, before map[string]float64) map[string]float64 {
	out := make(map[string]float64, len(now))
	for name, n := range now {
		out[name] = n - before[name]
	}
	return out
}

func (d delta) total() (n float64) {
	for _, answers := range d.answers {
		n += answers
	}
	return n
}

func (d delta) perSecond(n float64) float64 {
	if d.seconds <= 0 {
		return 0
	}
	return n / d.seconds
}

// quantile estimates as Prometheus' histogram_quantile does: evenly within a bucket.
// What lasted longer than the highest bound counts as that bound; of nothing it is 0.
func (d delta) quantile(q float64) float64 {
	if d.timed <= 0 || len(d.buckets) == 0 {
		return 0
	}
	rank, below := q*d.timed, bucket{}
	for _, b := range d.buckets {
		if b.count >= rank && b.count > below.count {
			return below.upTo + (b.upTo-below.upTo)*(rank-below.count)/(b.count-below.count)
		}
		below = b
	}
	return below.upTo
}
