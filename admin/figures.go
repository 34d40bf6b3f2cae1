package admin

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

const (
	sampleInterval = 2 * time.Second
	keptSamples    = 300         // ten minutes
	recent         = time.Minute // what rates and percentiles in the status are of
)

// figures are what the metrics said over the last minutes. They are read from the
// registry by a clock, so that a request costs nothing more for being shown.
type figures struct {
	gatherer prometheus.Gatherer
	now      func() time.Time
	log      *zap.Logger

	incomplete bool // the last sample was; of the goroutine that takes them

	mu      sync.Mutex
	samples []sample      // the oldest first
	next    chan struct{} // closed when a sample is added
	stopped bool
}

func newFigures(g prometheus.Gatherer, now func() time.Time, log *zap.Logger) *figures {
	return &figures{gatherer: g, now: now, log: log, next: make(chan struct{})}
}

// run takes samples until ctx ends.
func (f *figures) run(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	defer f.stop()
	for {
		f.add(f.take())
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (f *figures) take() sample {
	families, err := f.gatherer.Gather()
	if err != nil && !f.incomplete {
		f.log.Warn("some metrics can't be read", zap.Error(err)) // once, not with each sample
	}
	f.incomplete = err != nil
	return newSample(f.now(), families)
}

func (f *figures) add(s sample) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.samples) == keptSamples {
		f.samples = append(f.samples[:0], f.samples[1:]...)
	}
	f.samples = append(f.samples, s)
	close(f.next)
	f.next = make(chan struct{})
}

func (f *figures) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped = true
	close(f.next)
	f.next = make(chan struct{})
}

// wait returns when the next sample is there, and false when there will be none or ctx
// has ended.
func (f *figures) wait(ctx context.Context) bool {
	f.mu.Lock()
	next, stopped := f.next, f.stopped
	f.mu.Unlock()
	if stopped {
		return false
	}
	select {
	case <-next:
	case <-ctx.Done():
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.stopped
}

// latest gives the newest sample, and the one that is a minute older, or as old as
// there is.
func (f *figures) latest() (now, before sample) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.samples) == 0 {
		return sample{at: f.now()}, sample{at: f.now()}
	}
	now = f.samples[len(f.samples)-1]
	for _, s := range f.samples {
		if now.at.Sub(s.at) <= recent {
			return now, s
		}
	}
	return now, now
}

// history gives a point for each sample but the first.
func (f *figures) history() []point {
	f.mu.Lock()
	defer f.mu.Unlock()
	points := []point{}
	for i := 1; i < len(f.samples); i++ {
		points = append(points, pointBetween(f.samples[i-1], f.samples[i]))
	}
	return points
}

// point is one point of the charts: what happened in the time before At.
type point struct {
	At        time.Time `json:"at"`
	PerSecond float64   `json:"per_second"`
	Errors    float64   `json:"errors_per_second"` // answers from status 500 on
	P50       float64   `json:"p50_seconds"`
	P99       float64   `json:"p99_seconds"`
	InFlight  float64   `json:"in_flight"`
	Sockets   float64   `json:"sockets"`
	Sessions  float64   `json:"sessions"`
}

// lastPoint is what history ends with; false where there is none yet.
func (f *figures) lastPoint() (point, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.samples)
	if n < 2 {
		return point{}, false
	}
	return pointBetween(f.samples[n-2], f.samples[n-1]), true
}

func pointBetween(a, b sample) point {
	d := b.since(a)
	return point{
		At: b.at.UTC(), PerSecond: d.perSecond(d.total()), Errors: d.perSecond(d.answers["5xx"]),
		P50: d.quantile(.5), P99: d.quantile(.99),
		InFlight: b.gauges[metricInFlight], Sockets: b.gauges[metricSockets], Sessions: b.gauges[metricSessions],
	}
}

// nonZero leaves out what didn't happen.
func nonZero(counts map[string]float64) map[string]float64 {
	out := maps.Clone(counts)
	maps.DeleteFunc(out, func(_ string, n float64) bool { return n <= 0 })
	return out
}
