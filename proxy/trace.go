package proxy

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"

	"wxgate/internal/fieldlist"
	"wxgate/internal/httprule"
	"wxgate/internal/span"
	"wxgate/proxy/upstream"
)

// startSpan starts the server span of a request (OpenTelemetry's semantic conventions
// for HTTP). It contains no query, no token and no user. It continues the trace of a
// trusted proxy. A trace context from anyone else is only linked: a client must not
// decide what is sampled, nor write into another trace.
func (g *Gateway) startSpan(rs *requestState) {
	if g.Tracer == nil {
		return
	}
	r, ctx := rs.r, rs.r.Context()
	options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer)}
	switch remote := remoteSpan(r.Header); {
	case !remote.IsValid():
	case rs.trusted:
		ctx = trace.ContextWithRemoteSpanContext(ctx, remote)
	default:
		options = append(options, trace.WithNewRoot(), trace.WithLinks(trace.Link{SpanContext: remote}))
	}
	ctx, rs.span = g.Tracer.Start(ctx, spanName(r.Method), options...)
	if !rs.span.IsRecording() {
		return
	}
	rs.r = r.WithContext(ctx)
	rs.span.SetAttributes(
		requestMethod(r.Method), semconv.URLPath(truncate(rs.config.Endpoints.LoggedPath(r.URL.Path), maxLoggedPath)), semconv.URLScheme(rs.scheme()),
		semconv.ClientAddress(rs.clientText), semconv.NetworkProtocolVersion(protocolVersion(r)),
		attribute.String("wxgate.request_id", rs.id),
	)
	rs.span.SetAttributes(span.ServerAddress(truncate(r.Host, maxLoggedHost))...)
}

// spanName is the name of a span before its route is known.
func spanName(method string) string {
	if httprule.IsDefaultMethod(method) {
		return method
	}
	return "HTTP"
}

// requestMethod limits the values of the attribute: a client can send any method.
func requestMethod(method string) attribute.KeyValue {
	if httprule.IsDefaultMethod(method) {
		return semconv.HTTPRequestMethodKey.String(method)
	}
	return semconv.HTTPRequestMethodOther
}

// remoteSpan reads traceparent, which must be sent exactly once.
func remoteSpan(h http.Header) trace.SpanContext {
	if len(h["Traceparent"]) != 1 {
		return trace.SpanContext{}
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(h))
	return trace.SpanContextFromContext(ctx)
}

func protocolVersion(r *http.Request) string {
	switch {
	case r.ProtoMajor == 2:
		return "2"
	case r.ProtoMinor == 0:
		return "1.0"
	}
	return "1.1"
}

// endSpan sets the attributes of the response and ends the server span.
func (r *requestRecord) endSpan() {
	if r.span == nil {
		return
	}
	if r.span.IsRecording() {
		r.setSpanAttributes()
	}
	r.span.End()
}

func (r *requestRecord) setSpanAttributes() {
	route := r.routeName
	if r.route != nil {
		route = r.route.Host + r.route.Path
	}
	if route != noRouteName {
		r.span.SetName(spanName(r.method) + " " + route)
		r.span.SetAttributes(semconv.HTTPRoute(route), attribute.String("wxgate.route", r.routeName))
	}
	r.span.SetAttributes(semconv.HTTPResponseStatusCode(r.status))
	if r.gatewayError != nil {
		r.span.SetAttributes(semconv.ErrorTypeKey.String(string(r.gatewayError.Code)))
	}
	if r.status >= 500 {
		r.span.SetStatus(codes.Error, "")
	}
}

// startUpstreamSpan starts the client span of a request to a backend, and replaces the
// client's trace context headers by it.
func (g *Gateway) startUpstreamSpan(rs *requestState, out *upstream.Call) trace.Span {
	if rs.span == nil {
		return nil
	}
	ctx := trace.ContextWithSpan(context.Background(), rs.span)
	ctx, s := g.Tracer.Start(ctx, spanName(out.Request.Method), trace.WithSpanKind(trace.SpanKindClient))
	out.Header.Delete("Tracestate")
	propagation.TraceContext{}.Inject(ctx, listCarrier{&out.Header})
	return s
}

// listCarrier is a propagation.TextMapCarrier.
type listCarrier struct{ *fieldlist.List }

func (c listCarrier) Set(name, value string) { c.List.Set(http.CanonicalHeaderKey(name), value) }

func (c listCarrier) Keys() []string {
	keys := make([]string, len(*c.List))
	for i, f := range *c.List {
		keys[i] = f.Name
	}
	return keys
}

// endUpstreamSpan ends the client span, with the address of the last attempt.
func (rs *requestState) endUpstreamSpan(s trace.Span, method string, res *upstream.Response, err error) {
	if s == nil {
		return
	}
	defer s.End()
	if !s.IsRecording() {
		return
	}
	s.SetAttributes(append(span.ServerAddress(rs.upstreamAddr), requestMethod(method))...)
	if err != nil {
		s.SetAttributes(semconv.ErrorTypeOther)
		s.SetStatus(codes.Error, "")
		return
	}
	s.SetAttributes(semconv.HTTPResponseStatusCode(res.StatusCode))
	if res.StatusCode >= 500 {
		s.SetStatus(codes.Error, "")
	}
}

// traceID returns the id of the request's trace; "" if it is not sampled.
func (r *requestRecord) traceID() string {
	if r.span == nil || !r.span.SpanContext().IsSampled() {
		return ""
	}
	return r.span.SpanContext().TraceID().String()
}

// observeWithTrace observes a duration, with the trace id as its exemplar.
func (r *requestRecord) observeWithTrace(o prometheus.Observer, seconds float64) {
	if exemplar, ok := o.(prometheus.ExemplarObserver); ok {
		if id := r.traceID(); id != "" {
			exemplar.ObserveWithExemplar(seconds, prometheus.Labels{"trace_id": id})
			return
		}
	}
	o.Observe(seconds)
}
