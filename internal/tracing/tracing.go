// Package tracing sends spans to an OpenTelemetry collector by OTLP over HTTP.
//
// It is the one place that knows the SDK; the rest of the gateway takes a
// trace.Tracer. No collector, however it fails, delays a start, a request or,
// by more than a few seconds, a stop. What could not be sent is counted.
//
// Of the standard variables these count: OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES,
// OTEL_TRACES_SAMPLER and its ARG (in place of Sample), OTEL_EXPORTER_OTLP_HEADERS,
// _CERTIFICATE, _CLIENT_CERTIFICATE and _CLIENT_KEY, OTEL_BSP_SCHEDULE_DELAY, OTEL_BSP_MAX_EXPORT_BATCH_SIZE and the limits of
// spans; OTEL_SDK_DISABLED=true turns all off. The endpoint is the Config's.
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

// The protocols, by the names of OTEL_EXPORTER_OTLP_PROTOCOL.
const (
	ProtocolProtobuf = "http/protobuf"
	ProtocolJSON     = "http/json"
)

// Config says where spans go. It is read once, at the start.
type Config struct {
	Endpoint string // base URL, e.g. http://127.0.0.1:4318; "/v1/traces" is appended to one without a path. Empty: no tracing
	Protocol string // ProtocolProtobuf (also if empty) or ProtocolJSON
	Sample   float64
	Headers  map[string]secret.Text // sent along, for a collector that asks who is there
	Version  string                 // service.version
	Registry prometheus.Registerer  // nil: counts are shown nowhere
	Log      *zap.Logger
}

const (
	// queueSize bounds the spans that wait, about a kilobyte each.
	queueSize = 2048

	// exportTimeout bounds one attempt, retryFor all attempts for one batch.
	exportTimeout = 5 * time.Second
	retryFor      = 20 * time.Second

	// stopTimeout bounds what Shutdown waits for the last spans.
	stopTimeout = 3 * time.Second
)

// Provider makes tracers and sends what they record. A nil Provider does
// nothing: tracing is off.
type Provider struct {
	sdk *sdktrace.TracerProvider
	log *zap.Logger
}

// New starts a provider, nil where tracing is off. It connects to nothing:
// spans go out in the background.
func New(c Config) (*Provider, error) {
	counts := newCounts(c.Registry) // also where tracing is off: dashboards ask for it
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
	// The SDK reports what fails inside it here, and nowhere else.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		c.Log.Debug("tracing", zap.Error(err))
	}))
	guarded := &countingExporter{SpanExporter: exporter, counts: counts, log: c.Log}
	processor := &boundedQueue{
		SpanProcessor: sdktrace.NewBatchSpanProcessor(guarded,
			sdktrace.WithMaxQueueSize(queueSize), sdktrace.WithExportTimeout(retryFor)),
		counts: counts,
	}
	options := []sdktrace.TracerProviderOption{sdktrace.WithSpanProcessor(processor), sdktrace.WithResource(serviceResource(c))}
	if os.Getenv("OTEL_TRACES_SAMPLER") == "" {
		// Parent-based: a trace that a trusted proxy samples is whole.
		options = append(options, sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(c.Sample))))
	}
	return &Provider{sdk: sdktrace.NewTracerProvider(options...), log: c.Log}, nil
}

func newExporter(c Config) (sdktrace.SpanExporter, error) {
	client, err := newClient()
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

// tracesURL appends the path that OTLP has for traces to a base URL without one.
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

// Tracer is nil where tracing is off, so that off costs one comparison.
func (p *Provider) Tracer() trace.Tracer {
	if p == nil {
		return nil
	}
	return p.sdk.Tracer("wxgate")
}

// Shutdown sends what is left, for three seconds at most, and drops the rest.
func (p *Provider) Shutdown(ctx context.Context) {
	if p == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	if err := p.sdk.Shutdown(ctx); err != nil {
		p.log.Warn("the last spans were not sent", zap.Error(err))
	}
}
