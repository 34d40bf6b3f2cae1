// Package span records what a request asks of Redis and WeChat, as children of
// its span. It knows OpenTelemetry's API only: where tracing is off, or the
// request isn't sampled, a call costs one look into the context.
package span

import (
	"context"
	"net"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"
)

// Client begins the client span of one call and gives the function that ends it
// with the call's error. An error's text is not recorded: it may hold what a
// trace must not.
func Client(ctx context.Context, name string, attributes ...attribute.KeyValue) (context.Context, func(error)) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, func(error) {}
	}
	ctx, s := parent.TracerProvider().Tracer("wxgate").Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	return ctx, func(err error) {
		if err != nil {
			s.SetStatus(codes.Error, "")
		}
		s.End()
	}
}

// Server is the address of a server, with its port where the text has one.
func Server(address string) []attribute.KeyValue {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return []attribute.KeyValue{semconv.ServerAddress(address)}
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return []attribute.KeyValue{semconv.ServerAddress(host)}
	}
	return []attribute.KeyValue{semconv.ServerAddress(host), semconv.ServerPort(int(number))}
}
