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

// spanCounts counts the sampled spans by outcome.
type spanCounts struct {
	exported, failed, dropped prometheus.Counter
	queued                    atomic.Int64
}

func newSpanCounts(reg prometheus.Registerer) *spanCounts {
	spans := promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
		Name: "wxgate_trace_spans_total",
		Help: "Sampled spans by outcome: exported, failed (the collector did not accept them), dropped (the queue was full).",
	}, []string{"outcome"})
	return &spanCounts{
		exported: spans.WithLabelValues("exported"), failed: spans.WithLabelValues("failed"), dropped: spans.WithLabelValues("dropped"),
	}
}

// boundedQueue drops and counts spans before the SDK's queue is full: the SDK
// drops them without a log line or a count.
type boundedQueue struct {
	sdktrace.SpanProcessor
	counts *spanCounts
}

func (q *boundedQueue) OnEnd(s sdktrace.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	if q.counts.queued.Add(1) > queueSize {
		q.counts.queued.Add(-1)
		q.counts.dropped.Inc()
		return
	}
	q.SpanProcessor.OnEnd(s)
}

// countingExporter counts spans that were exported or lost, and logs at most once
// a minute why they were lost.
type countingExporter struct {
	sdktrace.SpanExporter
	counts *spanCounts
	log    *zap.Logger
	logged time.Time // last; used by the batch processor's goroutine only
}

func (e *countingExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	n := len(spans)
	e.counts.queued.Add(-int64(n))
	if err == nil {
		e.counts.exported.Add(float64(n))
		return nil
	}
	e.counts.failed.Add(float64(n))
	if now := time.Now(); now.Sub(e.logged) >= time.Minute {
		e.logged = now
		e.log.Warn("spans could not be sent", zap.Int("spans", n), zap.Error(err))
	}
	return nil // already counted and logged
}
