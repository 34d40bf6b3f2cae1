#!/usr/bin/env bash
# Guess:   with nothing listening where the collector should be, OpenTelemetry's two trace exporters for Go
#          behave alike when the program ends: Shutdown gives up at once, and says so.
# Reality: by HTTP it gives up at once, by gRPC it goes on for ten seconds, which a container's ten seconds of grace
#          or a drain has to have left. Neither says so: both return nil, the spans are gone, and only
#          the global error handler hears of it.
# Needs:   go 1.26.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >go.mod <<'EOF'
module finding

go 1.26

require (
	go.opentelemetry.io/otel v1.47.0
	go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc v1.47.0
	go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp v1.47.0
	go.opentelemetry.io/otel/sdk v1.47.0
)
EOF
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
	nobody := ln.Addr().String()
	ln.Close()
	ctx := context.Background()
	byHTTP, err := otlptracehttp.New(ctx, otlptracehttp.WithInsecure(), otlptracehttp.WithEndpoint(nobody))
	if err != nil {
		panic(err)
	}
	byGRPC, err := otlptracegrpc.New(ctx, otlptracegrpc.WithInsecure(), otlptracegrpc.WithEndpoint(nobody))
	if err != nil {
		panic(err)
	}
	for _, e := range []struct {
		name string
		trace.SpanExporter
	}{{"http", byHTTP}, {"grpc", byGRPC}} {
		heard := 0
		otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) { heard++ }))
		provider := trace.NewTracerProvider(trace.WithBatcher(e.SpanExporter))
		_, span := provider.Tracer("finding").Start(ctx, "span")
		span.End()
		began := time.Now()
		err := provider.Shutdown(ctx)
		fmt.Printf("%s: Shutdown took about %.0f s, returned %v, the error handler heard %d\n", e.name, time.Since(began).Seconds(), err, heard)
	}
}
EOF
GOFLAGS=-mod=mod go run . 2>"$dir/log" | tee seen || { cat "$dir/log"; exit 1; }

diff -u - seen <<'EOF'
http: Shutdown took about 0 s, returned <nil>, the error handler heard 1
grpc: Shutdown took about 10 s, returned <nil>, the error handler heard 1
EOF
echo "as seen on 2026-11-27 with OpenTelemetry for Go 1.47.0"
