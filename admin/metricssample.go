package admin

import (
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// The metrics of a sample, as docs/metrics.md documents them.
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

// sample holds the values of the metrics at one time.
type sample struct {
	at        time.Time
	responses map[string]float64 // by status class, such as 2xx
	errors    map[string]float64 // by the gateway's error code
	buckets   []bucket           // of durations
	durations float64            // number of durations, including those above the highest bucket
	gauges    map[string]float64 // summed over all labels
}

// bucket is the number of durations up to upTo seconds, cumulative.
type bucket struct{ upTo, count float64 }

func newSample(at time.Time, families []*dto.MetricFamily) sample {
	s := sample{at: at, responses: map[string]float64{}, errors: map[string]float64{}, gauges: map[string]float64{}}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			s.add(f.GetName(), m)
		}
	}
	return s
}

// add adds one metric of a family.
func (s *sample) add(name string, m *dto.Metric) {
	switch name {
	case metricRequests:
		s.responses[statusClass(label(m, "status"))] += m.GetCounter().GetValue()
	case metricErrors:
		s.errors[label(m, "code")] += m.GetCounter().GetValue()
	case metricDuration:
		s.addBuckets(m.GetHistogram().GetBucket())
		s.durations += float64(m.GetHistogram().GetSampleCount())
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

// addBuckets adds a route's buckets to the sum; the buckets of all routes have the
// same bounds.
func (s *sample) addBuckets(list []*dto.Bucket) {
	if s.buckets == nil {
		s.buckets = make([]bucket, len(list))
	}
	for i, b := range list[:min(len(list), len(s.buckets))] {
		s.buckets[i].upTo = b.GetUpperBound()
		s.buckets[i].count += float64(b.GetCumulativeCount())
	}
}

// delta is the difference between two samples.
type delta struct {
	seconds   float64
	responses map[string]float64
	errors    map[string]float64
	buckets   []bucket
	durations float64
}

// since returns the difference to an earlier sample.
func (s sample) since(earlier sample) delta {
	d := delta{
		seconds: s.at.Sub(earlier.at).Seconds(), responses: subtract(s.responses, earlier.responses), errors: subtract(s.errors, earlier.errors),
		buckets: slices.Clone(s.buckets), durations: s.durations - earlier.durations,
	}
	for i := range min(len(d.buckets), len(earlier.buckets)) {
		d.buckets[i].count -= earlier.buckets[i].count
	}
	return d
}

func subtract(later, earlier map[string]float64) map[string]float64 {
	out := make(map[string]float64, len(later))
	for name, n := range later {
		out[name] = n - earlier[name]
	}
	return out
}

func (d delta) totalResponses() (n float64) {
	for _, responses := range d.responses {
		n += responses
	}
	return n
}

func (d delta) perSecond(n float64) float64 {
	if d.seconds <= 0 {
		return 0
	}
	return n / d.seconds
}

// quantile estimates a quantile of the durations, in seconds, as Prometheus'
// histogram_quantile does: it interpolates linearly within a bucket. A duration above
// the highest bucket counts as its bound. Without durations the result is 0.
func (d delta) quantile(q float64) float64 {
	if d.durations <= 0 || len(d.buckets) == 0 {
		return 0
	}
	rank, previous := q*d.durations, bucket{}
	for _, b := range d.buckets {
		if b.count >= rank && b.count > previous.count {
			return previous.upTo + (b.upTo-previous.upTo)*(rank-previous.count)/(b.count-previous.count)
		}
		previous = b
	}
	return previous.upTo
}
