package tracing

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"wxgate/secret"
)

// collector is an OTLP receiver that records its requests.
type collector struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string // each with its path in front
	header http.Header
}

func newCollector(t *testing.T, respond http.HandlerFunc) *collector {
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		c.bodies, c.header = append(c.bodies, r.URL.Path+" "+string(body)), r.Header
		c.mu.Unlock()
		respond(w, r)
	}))
	t.Cleanup(c.Server.Close)
	return c
}

func (c *collector) received() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.bodies, "\n")
}

func accept(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// spansByOutcome reads wxgate_trace_spans_total.
func spansByOutcome(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]float64{}
	for _, family := range families {
		for _, m := range family.Metric {
			counts[m.Label[0].GetValue()] = m.Counter.GetValue()
		}
	}
	return counts
}

func startProvider(t *testing.T, c Config) (*Provider, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	c.Registry = reg
	if c.Sample == 0 {
		c.Sample = 1
	}
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p, reg
}

func recordSpan(p *Provider, name string) {
	_, s := p.Tracer().Start(context.Background(), name)
	s.End()
}

func TestSpansReachTheCollector(t *testing.T) {
	for _, protocol := range []string{ProtocolProtobuf, ProtocolJSON} {
		t.Run(protocol, func(t *testing.T) {
			c := newCollector(t, accept)
			p, reg := startProvider(t, Config{Endpoint: c.URL, Protocol: protocol, Version: "1.2.3", Headers: map[string]secret.Text{"X-Key": "k"}})
			recordSpan(p, "GET /api/")
			p.Shutdown(t.Context())
			got := c.received()
			for _, want := range []string{"/v1/traces ", "GET /api/", "wxgate", "1.2.3"} {
				if !strings.Contains(got, want) {
					t.Errorf("%q is not in %q", want, got)
				}
			}
			if c.header.Get("X-Key") != "k" {
				t.Error("the configured header was not sent")
			}
			if n := spansByOutcome(t, reg)["exported"]; n != 1 {
				t.Errorf("%v exported", n)
			}
			if protocol == ProtocolJSON && !json.Valid([]byte(strings.TrimPrefix(got, "/v1/traces "))) {
				t.Error("the body is not JSON")
			}
		})
	}
}

func TestResponsesOfOtherServersCountAsFailed(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	for name, respond := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) },
		"web page": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>login</html>") },
		"refusal":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCollector(t, respond)
			p, reg := startProvider(t, Config{Endpoint: c.URL})
			recordSpan(p, "GET /api/")
			p.Shutdown(t.Context())
			if got := spansByOutcome(t, reg); got["failed"] != 1 || got["exported"] != 0 {
				t.Errorf("%v", got)
			}
		})
	}
	if elsewhere.Load() > 0 {
		t.Error("a redirect was followed")
	}
}

func TestBatchIsSentAgainAfterALostConnectionAnd503(t *testing.T) {
	for name, first := range map[string]http.HandlerFunc{
		"lost connection": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"503":             func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			c := newCollector(t, func(w http.ResponseWriter, r *http.Request) {
				if calls.Add(1) == 1 {
					first(w, r)
				}
				accept(w, r)
			})
			p, reg := startProvider(t, Config{Endpoint: c.URL})
			recordSpan(p, "GET /api/")
			p.Shutdown(t.Context())
			if got := spansByOutcome(t, reg); got["exported"] != 1 {
				t.Errorf("after %d calls: %v", calls.Load(), got)
			}
		})
	}
}

// A collector that refuses connections, or accepts one and never responds, delays
// the shutdown by seconds at most, and nothing else.
func TestCollectorCannotDelayStartOrShutdown(t *testing.T) {
	hanging, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hanging.Close() })
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing.Close()
	for name, address := range map[string]string{"hanging": hanging.Addr().String(), "refusing": refusing.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			p, _ := startProvider(t, Config{Endpoint: "http://" + address})
			for range 10 * queueSize {
				recordSpan(p, "GET /api/")
			}
			p.Shutdown(context.Background())
			if took := time.Since(begin); took > 3*shutdownTimeout {
				t.Errorf("start, requests and shutdown took %v", took)
			}
		})
	}
}

func TestSpansDroppedByAFullQueueAreCounted(t *testing.T) {
	release := make(chan struct{})
	c := newCollector(t, func(w http.ResponseWriter, r *http.Request) {
		<-release
		accept(w, r)
	})
	p, reg := startProvider(t, Config{Endpoint: c.URL})
	const spans = 3 * queueSize
	for range spans {
		recordSpan(p, "GET /api/")
	}
	close(release)
	p.Shutdown(t.Context())
	got := spansByOutcome(t, reg)
	if got["dropped"] == 0 || got["exported"] == 0 || got["dropped"]+got["exported"]+got["failed"] != spans {
		t.Errorf("of %d spans: %v", spans, got)
	}
}

func TestSamplingFollowsTheParentAndTheConfiguredShare(t *testing.T) {
	c := newCollector(t, accept)
	p, reg := startProvider(t, Config{Endpoint: c.URL, Sample: 1e-12})
	recordSpan(p, "not sampled")
	parent := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, Remote: true})
	_, s := p.Tracer().Start(trace.ContextWithRemoteSpanContext(t.Context(), parent), "the parent is sampled")
	s.End()
	p.Shutdown(t.Context())
	if got := spansByOutcome(t, reg)["exported"]; got != 1 || strings.Contains(c.received(), "not sampled") {
		t.Errorf("%v exported: %q", got, c.received())
	}
}

func TestTracingIsOffWithoutAnEndpointOrIfTheSDKIsDisabled(t *testing.T) {
	p, err := New(Config{})
	if p != nil || err != nil || p.Tracer() != nil {
		t.Errorf("without an endpoint: %v, %v", p, err)
	}
	p.Shutdown(t.Context())
	t.Setenv("OTEL_SDK_DISABLED", "true")
	if p, err := New(Config{Endpoint: "http://127.0.0.1:4318"}); p != nil || err != nil {
		t.Errorf("OTEL_SDK_DISABLED: %v, %v", p, err)
	}
}

func TestTracesPathIsAppendedToABareURL(t *testing.T) {
	for endpoint, want := range map[string]string{
		"http://c:4318": "http://c:4318/v1/traces", "http://c:4318/": "http://c:4318/v1/traces", "https://c/otlp/v1/traces": "https://c/otlp/v1/traces",
	} {
		if got := tracesURL(endpoint); got != want {
			t.Errorf("%s gives %s", endpoint, got)
		}
	}
}
