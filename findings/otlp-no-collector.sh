#!/usr/bin/env bash
# Guess:   when no collector listens, OpenTelemetry's two trace exporters for Go behave alike at the
#          end of a program: Shutdown fails at once and returns an error.
# Reality: the HTTP exporter stops at once, the gRPC exporter after ten seconds, as long as the whole
#          grace period of a container. Neither returns an error: both return nil, the spans are
#          lost, and only the global error handler gets the error.
# Needs:   go 1.26.
set -euo pipefail
. "$(dirname "$0")/lib/common.sh"

go_module go.opentelemetry.io/otel@v1.47.0 \
    go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc@v1.47.0 \
    go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp@v1.47.0 \
    go.opentelemetry.io/otel/sdk@v1.47.0
cat >main.go <<'EOF'
package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	unused := ln.Addr().String()
	ln.Close()
	ctx := context.Background()
	byHTTP, err := otlptracehttp.New(ctx, otlptracehttp.WithInsecure(), otlptracehttp.WithEndpoint(unused))
	if err != nil {
		panic(err)
	}
	byGRPC, err := otlptracegrpc.New(ctx, otlptracegrpc.WithInsecure(), otlptracegrpc.WithEndpoint(unused))
	if err != nil {
		panic(err)
	}
	for _, e := range []struct {
		name string
		trace.SpanExporter
	}{{"http", byHTTP}, {"grpc", byGRPC}} {
		errors := 0
		otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) { errors++ }))
		provider := trace.NewTracerProvider(trace.WithBatcher(e.SpanExporter))
		_, span := provider.Tracer("finding").Start(ctx, "span")
		span.End()
		start := time.Now()
		err := provider.Shutdown(ctx)
		fmt.Printf("%s: Shutdown took about %.0f s, returned %v, errors at the handler: %d\n", e.name, time.Since(start).Seconds(), err, errors)
	}
}
EOF
run_go | tee seen

diff -u - seen <<'EOF'
http: Shutdown took about 0 s, returned <nil>, errors at the handler: 1
grpc: Shutdown took about 10 s, returned <nil>, errors at the handler: 1
EOF
echo "as seen on 2026-11-27 with OpenTelemetry for Go 1.47.0"
