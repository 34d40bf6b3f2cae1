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
	maxSamples     = 300         // ten minutes
	statusWindow   = time.Minute // over which the status reports rates and percentiles
)

// metricsHistory keeps samples of the metrics of the last ten minutes. They are
// gathered at intervals: serving a request costs nothing more.
type metricsHistory struct {
	gatherer prometheus.Gatherer
	now      func() time.Time
	log      *zap.Logger

	incomplete bool // gathering the last sample failed; used by run's goroutine only

	mu      sync.Mutex
	samples []sample      // the oldest first
	next    chan struct{} // closed when a sample is added
	stopped bool
}

func newMetricsHistory(g prometheus.Gatherer, now func() time.Time, log *zap.Logger) *metricsHistory {
	return &metricsHistory{gatherer: g, now: now, log: log, next: make(chan struct{})}
}

// run adds a sample every interval until ctx ends.
func (h *metricsHistory) run(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	defer h.stop()
	for {
		h.add(h.gather())
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (h *metricsHistory) gather() sample {
	families, err := h.gatherer.Gather()
	if err != nil && !h.incomplete {
		h.log.Warn("some metrics can't be gathered", zap.Error(err)) // once, not for each sample
	}
	h.incomplete = err != nil
	return newSample(h.now(), families)
}

func (h *metricsHistory) add(s sample) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.samples) == maxSamples {
		h.samples = append(h.samples[:0], h.samples[1:]...)
	}
	h.samples = append(h.samples, s)
	close(h.next)
	h.next = make(chan struct{})
}

func (h *metricsHistory) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	close(h.next)
	h.next = make(chan struct{})
}

// waitForSample waits for the next sample. It returns false if run has ended or ctx
// has ended.
func (h *metricsHistory) waitForSample(ctx context.Context) bool {
	h.mu.Lock()
	next, stopped := h.next, h.stopped
	h.mu.Unlock()
	if stopped {
		return false
	}
	select {
	case <-next:
	case <-ctx.Done():
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.stopped
}

// window returns the newest sample, and the oldest one within statusWindow before it.
func (h *metricsHistory) window() (newest, oldest sample) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.samples) == 0 {
		return sample{at: h.now()}, sample{at: h.now()}
	}
	newest = h.samples[len(h.samples)-1]
	for _, s := range h.samples {
		if newest.at.Sub(s.at) <= statusWindow {
			return newest, s
		}
	}
	return newest, newest
}

// points returns a point for each sample but the first.
func (h *metricsHistory) points() []point {
	h.mu.Lock()
	defer h.mu.Unlock()
	points := []point{}
	for i := 1; i < len(h.samples); i++ {
		points = append(points, newPoint(h.samples[i-1], h.samples[i]))
	}
	return points
}

// lastPoint returns the newest point, or false if there is none yet.
func (h *metricsHistory) lastPoint() (point, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.samples)
	if n < 2 {
		return point{}, false
	}
	return newPoint(h.samples[n-2], h.samples[n-1]), true
}

// withoutZeros returns the counts that are greater than zero.
func withoutZeros(counts map[string]float64) map[string]float64 {
	out := maps.Clone(counts)
	maps.DeleteFunc(out, func(_ string, n float64) bool { return n <= 0 })
	return out
}
