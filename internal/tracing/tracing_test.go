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
	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/trace"

	"wxgate/secret"
)

// collector is an OTLP receiver that keeps what it got.
type collector struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	header http.Header
}

func newCollector(t *testing.T, answer http.HandlerFunc) *collector {
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		c.bodies, c.header = append(c.bodies, r.URL.Path+" "+string(body)), r.Header
		c.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(c.Server.Close)
	return c
}

func (c *collector) all() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.bodies, "\n")
}

func accept(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// outcomes gives the counts by outcome.
func outcomes(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]float64{}
	for _, family := range families {
		for _, m := range family.Metric {
			counts[label(m)] = m.Counter.GetValue()
		}
	}
	return counts
}

func label(m *dto.Metric) string { return m.Label[0].GetValue() }

func start(t *testing.T, c Config) (*Provider, *prometheus.Registry) {
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

func span(p *Provider, name string) {
	_, s := p.Tracer().Start(context.Background(), name)
	s.End()
}

func TestSpansReachTheCollector(t *testing.T) {
	for _, protocol := range []string{ProtocolProtobuf, ProtocolJSON} {
		t.Run(protocol, func(t *testing.T) {
			c := newCollector(t, accept)
			p, reg := start(t, Config{Endpoint: c.URL, Protocol: protocol, Version: "1.2.3", Headers: map[string]secret.Text{"X-Key": "k"}})
			span(p, "GET /api/")
			p.Shutdown(t.Context())
			got := c.all()
			for _, want := range []string{"/v1/traces ", "GET /api/", "wxgate", "1.2.3"} {
				if !strings.Contains(got, want) {
					t.Errorf("%q is not in %q", want, got)
				}
			}
			if c.header.Get("X-Key") != "k" {
				t.Error("the configured header was not sent")
			}
			if n := outcomes(t, reg)["exported"]; n != 1 {
				t.Errorf("%v exported", n)
			}
			if protocol == ProtocolJSON && !json.Valid([]byte(strings.TrimPrefix(got, "/v1/traces "))) {
				t.Error("it is no JSON")
			}
		})
	}
}

func TestWhatIsNoCollectorCountsAsFailure(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	for name, answer := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) },
		"web page": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>login</html>") },
		"refusal":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCollector(t, answer)
			p, reg := start(t, Config{Endpoint: c.URL})
			span(p, "GET /api/")
			p.Shutdown(t.Context())
			if got := outcomes(t, reg); got["failed"] != 1 || got["exported"] != 0 {
				t.Errorf("%v", got)
			}
		})
	}
	if elsewhere.Load() > 0 {
		t.Error("spans, or the request for them, went where a redirect pointed")
	}
}

func TestBatchIsSentAgainAfterACutConnectionAnd503(t *testing.T) {
	for name, first := range map[string]http.HandlerFunc{
		"cut": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"503": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			c := newCollector(t, func(w http.ResponseWriter, r *http.Request) {
				if calls.Add(1) == 1 {
					first(w, r)
				}
				accept(w, r)
			})
			p, reg := start(t, Config{Endpoint: c.URL})
			span(p, "GET /api/")
			p.Shutdown(t.Context())
			if got := outcomes(t, reg); got["exported"] != 1 {
				t.Errorf("after %d calls: %v", calls.Load(), got)
			}
		})
	}
}

// A collector that is away, or takes a connection and says nothing, delays the
// stop by seconds at most, and nothing else.
func TestCollectorCannotDelayStartOrStop(t *testing.T) {
	hanging, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hanging.Close() })
	away, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	away.Close()
	for name, address := range map[string]string{"hanging": hanging.Addr().String(), "away": away.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			p, _ := start(t, Config{Endpoint: "http://" + address})
			for range 10 * queueSize {
				span(p, "GET /api/")
			}
			p.Shutdown(context.Background())
			if took := time.Since(begin); took > 3*stopTimeout {
				t.Errorf("start, requests and stop took %v", took)
			}
		})
	}
}

func TestOverflowIsCounted(t *testing.T) {
	release := make(chan struct{})
	c := newCollector(t, func(w http.ResponseWriter, r *http.Request) {
		<-release
		accept(w, r)
	})
	p, reg := start(t, Config{Endpoint: c.URL})
	const spans = 3 * queueSize
	for range spans {
		span(p, "GET /api/")
	}
	close(release)
	p.Shutdown(t.Context())
	got := outcomes(t, reg)
	if got["dropped"] == 0 || got["exported"] == 0 || got["dropped"]+got["exported"]+got["failed"] != spans {
		t.Errorf("of %d spans: %v", spans, got)
	}
}

func TestSampling(t *testing.T) {
	c := newCollector(t, accept)
	p, reg := start(t, Config{Endpoint: c.URL, Sample: 1e-12})
	span(p, "not sampled")
	parent := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, Remote: true})
	_, s := p.Tracer().Start(trace.ContextWithRemoteSpanContext(t.Context(), parent), "the parent is sampled")
	s.End()
	p.Shutdown(t.Context())
	if got := outcomes(t, reg)["exported"]; got != 1 || strings.Contains(c.all(), "not sampled") {
		t.Errorf("%v exported: %q", got, c.all())
	}
}

func TestOff(t *testing.T) {
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

func TestTracesURL(t *testing.T) {
	for endpoint, want := range map[string]string{
		"http://c:4318": "http://c:4318/v1/traces", "http://c:4318/": "http://c:4318/v1/traces", "https://c/otlp/v1/traces": "https://c/otlp/v1/traces",
	} {
		if got := tracesURL(endpoint); got != want {
			t.Errorf("%s gives %s", endpoint, got)
		}
	}
}
