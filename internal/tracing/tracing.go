// Package tracing sends spans to an OpenTelemetry collector by OTLP over HTTP.
//
// It is the only package that imports the OpenTelemetry SDK; the others use a
// trace.Tracer. A failing collector delays neither the start nor requests, and
// the shutdown by at most three seconds. Spans that could not be sent are counted.
//
// These standard environment variables apply: OTEL_SERVICE_NAME,
// OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER and its ARG (in place of Sample),
// OTEL_EXPORTER_OTLP_HEADERS, _CERTIFICATE, _CLIENT_CERTIFICATE and _CLIENT_KEY,
// OTEL_BSP_SCHEDULE_DELAY, OTEL_BSP_MAX_EXPORT_BATCH_SIZE and the span limits.
// OTEL_SDK_DISABLED=true turns tracing off. The endpoint is always the Config's.
package tracing

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"wxgate/secret"
)

// The protocols, as OTEL_EXPORTER_OTLP_PROTOCOL names them.
const (
	ProtocolProtobuf = "http/protobuf"
	ProtocolJSON     = "http/json"
)

// Config is the configuration of a Provider.
type Config struct {
	Endpoint string                 // base URL, such as http://127.0.0.1:4318; "/v1/traces" is appended if it has no path. Empty: no tracing
	Protocol string                 // ProtocolProtobuf (also if empty) or ProtocolJSON
	Sample   float64                // share of traces to record, 0 to 1
	Headers  map[string]secret.Text // sent with every export, such as Authorization
	Version  string                 // service.version
	Registry prometheus.Registerer  // nil: no metrics
	Log      *zap.Logger            // nil: no log
}

const (
	// queueSize bounds the spans that are queued for export, about 1 KB each.
	queueSize = 2048

	// exportTimeout bounds one attempt, retryFor all attempts to send one batch.
	exportTimeout = 5 * time.Second
	retryFor      = 20 * time.Second

	// shutdownTimeout bounds how long Shutdown tries to send the last spans.
	shutdownTimeout = 3 * time.Second
)

// Provider creates tracers and exports their spans. The methods of a nil Provider
// do nothing: tracing is off.
type Provider struct {
	sdk *sdktrace.TracerProvider
	log *zap.Logger
}

// New starts a provider, or returns nil if tracing is off. It opens no
// connection: spans are exported in the background. It fails if the certificates
// of the environment can't be loaded.
func New(c Config) (*Provider, error) {
	counts := newSpanCounts(c.Registry) // also if tracing is off: dashboards query the metric
	if c.Endpoint == "" || strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return nil, nil
	}
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	exporter, err := newExporter(c)
	if err != nil {
		return nil, err
	}
	// The SDK reports its internal errors to this handler only.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		c.Log.Debug("tracing", zap.Error(err))
	}))
	counting := &countingExporter{SpanExporter: exporter, counts: counts, log: c.Log}
	processor := &boundedQueue{
		SpanProcessor: sdktrace.NewBatchSpanProcessor(counting,
			sdktrace.WithMaxQueueSize(queueSize), sdktrace.WithExportTimeout(retryFor)),
		counts: counts,
	}
	options := []sdktrace.TracerProviderOption{sdktrace.WithSpanProcessor(processor), sdktrace.WithResource(serviceResource(c))}
	if os.Getenv("OTEL_TRACES_SAMPLER") == "" {
		// Parent-based: a trace that a trusted proxy samples is recorded in full.
		options = append(options, sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(c.Sample))))
	}
	return &Provider{sdk: sdktrace.NewTracerProvider(options...), log: c.Log}, nil
}

func newExporter(c Config) (sdktrace.SpanExporter, error) {
	client, err := newExportClient()
	if err != nil {
		return nil, err
	}
	headers := make(map[string]string, len(c.Headers))
	for name, value := range c.Headers {
		headers[name] = value.Reveal()
	}
	encoding := otlptracehttp.EncodingProtobuf
	if c.Protocol == ProtocolJSON {
		encoding = otlptracehttp.EncodingJSON
	}
	options := []otlptracehttp.Option{
		otlptracehttp.WithEndpointURL(tracesURL(c.Endpoint)), otlptracehttp.WithEncoding(encoding),
		otlptracehttp.WithTimeout(exportTimeout), otlptracehttp.WithHTTPClient(client),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
			Enabled: true, InitialInterval: 500 * time.Millisecond, MaxInterval: 5 * time.Second, MaxElapsedTime: retryFor,
		}),
	}
	if len(headers) > 0 {
		options = append(options, otlptracehttp.WithHeaders(headers))
	}
	return otlptracehttp.New(context.Background(), options...)
}

// tracesURL appends OTLP's default path for traces to a base URL without a path.
func tracesURL(endpoint string) string {
	_, rest, _ := strings.Cut(endpoint, "://")
	if path := strings.IndexByte(rest, '/'); path >= 0 && rest[path:] != "/" {
		return endpoint
	}
	return strings.TrimSuffix(endpoint, "/") + "/v1/traces"
}

func serviceResource(c Config) *resource.Resource {
	own := resource.NewSchemaless(semconv.ServiceName("wxgate"), semconv.ServiceVersion(c.Version))
	r, err := resource.New(context.Background(), resource.WithAttributes(own.Attributes()...), resource.WithHost(), resource.WithFromEnv())
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return own
	}
	return r
}

// Tracer returns nil if tracing is off, so that callers pay one comparison then.
func (p *Provider) Tracer() trace.Tracer {
	if p == nil {
		return nil
	}
	return p.sdk.Tracer("wxgate")
}

// Shutdown sends the queued spans, for at most three seconds, and drops the rest.
func (p *Provider) Shutdown(ctx context.Context) {
	if p == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, shutdownTimeout)
	defer cancel()
	if err := p.sdk.Shutdown(ctx); err != nil {
		p.log.Warn("the last spans were not sent", zap.Error(err))
	}
}
