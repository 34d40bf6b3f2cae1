package tracing

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/zap"
)

// counts says what became of the spans.
type counts struct {
	exported, failed, dropped prometheus.Counter
	waiting                   atomic.Int64
}

func newCounts(reg prometheus.Registerer) *counts {
	spans := promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
		Name: "wxgate_trace_spans_total",
		Help: "Sampled spans by outcome: exported, failed (the collector did not take them), dropped (too many were waiting).",
	}, []string{"outcome"})
	return &counts{
		exported: spans.WithLabelValues("exported"), failed: spans.WithLabelValues("failed"), dropped: spans.WithLabelValues("dropped"),
	}
}

// boundedQueue keeps the SDK's queue from overflowing, which it does without a
// word.
type boundedQueue struct {
	sdktrace.SpanProcessor
	counts *counts
}

func (q *boundedQueue) OnEnd(s sdktrace.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	if q.counts.waiting.Add(1) > queueSize {
		q.counts.waiting.Add(-1)
		q.counts.dropped.Inc()
		return
	}
	q.SpanProcessor.OnEnd(s)
}

// countingExporter counts, and says once a minute at most why spans are lost.
type countingExporter struct {
	sdktrace.SpanExporter
	counts *counts
	log    *zap.Logger
	logged time.Time // of the batch processor's one goroutine
}

func (e *countingExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	n := len(spans)
	e.counts.waiting.Add(-int64(n))
	if err == nil {
		e.counts.exported.Add(float64(n))
		return nil
	}
	e.counts.failed.Add(float64(n))
	if now := time.Now(); now.Sub(e.logged) >= time.Minute {
		e.logged = now
		e.log.Warn("spans could not be sent", zap.Int("spans", n), zap.Error(err))
	}
	return nil // it was said
}
