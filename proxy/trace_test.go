package proxy_test

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"wxgate/internal/testkit"
	"wxgate/proxy"
	"wxgate/session"
)

const (
	clientTrace       = "4bf92f3577b34da6a3ce929d0e0e4736"
	clientTraceparent = "00-" + clientTrace + "-00f067aa0ba902b7-01"
)

// newTracedEnv returns a gateway whose spans are recorded.
func newTracedEnv(t *testing.T, p envConfig) (*testEnv, *tracetest.SpanRecorder) {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	t.Cleanup(func() { testkit.Must(t, provider.Shutdown(context.Background())) })
	p.tracer = provider.Tracer("test")
	return newTestEnv(t, p), spans
}

// spansNamed waits for a span of this name, and returns all of them.
func spansNamed(t *testing.T, spans *tracetest.SpanRecorder, name string) []sdktrace.ReadOnlySpan {
	t.Helper()
	var found []sdktrace.ReadOnlySpan
	testkit.Eventually(t, "a span "+name, func() bool {
		found = nil
		for _, s := range spans.Ended() {
			if s.Name() == name {
				found = append(found, s)
			}
		}
		return len(found) > 0
	})
	return found
}

func attributesOf(s sdktrace.ReadOnlySpan) map[attribute.Key]string {
	all := map[attribute.Key]string{}
	for _, a := range s.Attributes() {
		all[a.Key] = a.Value.String()
	}
	return all
}

func TestTraceIncludesGatewayRedisWeChatAndBackend(t *testing.T) {
	env, spans := newTracedEnv(t, envConfig{settings: func(c *session.Config) { c.CacheTTL = 0 }})
	token := env.login("alice")
	res := env.call("GET", "/api/items/42?page=2", token, "")
	var got echoResponse
	res.JSON(t, &got)
	server := spansNamed(t, spans, "GET /api/")[0]
	attributes := attributesOf(server)
	for key, want := range map[attribute.Key]string{
		"http.route": "/api/", "http.response.status_code": "200", "url.path": "/api/items/42", "http.request.method": "GET", "client.address": "127.0.0.1",
	} {
		if attributes[key] != want {
			t.Errorf("%s is %q, not %q", key, attributes[key], want)
		}
	}
	backend := strings.Split(got.Header.Get("Traceparent"), "-")
	if len(backend) != 4 || backend[1] != server.SpanContext().TraceID().String() || backend[2] == server.SpanContext().SpanID().String() {
		t.Errorf("the backend received %q for the span %v", got.Header.Get("Traceparent"), server.SpanContext())
	}
	if redis := spansNamed(t, spans, "Redis load_session"); redis[0].Parent().TraceID() != redis[0].SpanContext().TraceID() {
		t.Error("the span of Redis has no parent")
	}
	spansNamed(t, spans, "WeChat /sns/jscode2session")
	if !strings.Contains(env.logs.String(), server.SpanContext().TraceID().String()) {
		t.Error("no trace_id in the access log")
	}
}

// Addresses and ports are separate attributes, and unknown methods are not recorded.
func TestSpansFollowTheConventionsForAddressesAndMethods(t *testing.T) {
	env, spans := newTracedEnv(t, envConfig{})
	env.call("GET", "/public/x", "", "")
	client := spansNamed(t, spans, "GET")[0]
	for _, s := range []sdktrace.ReadOnlySpan{spansNamed(t, spans, "GET /public/")[0], client} {
		got := attributesOf(s)
		if got["server.address"] != "127.0.0.1" || got["server.port"] == "" {
			t.Errorf("%s: server.address %q, server.port %q", s.Name(), got["server.address"], got["server.port"])
		}
	}
	env.call("PURGE", "/public/x", "", "")
	if got := attributesOf(spansNamed(t, spans, "HTTP")[0]); got["http.request.method"] != "_OTHER" {
		t.Errorf("%v", got)
	}
}

// A client's trace is only linked; a trusted proxy's is continued.
func TestOnlyATrustedProxysTraceIsContinued(t *testing.T) {
	for _, trusted := range []bool{false, true} {
		env, spans := newTracedEnv(t, envConfig{config: func(c *proxy.Config) {
			if trusted {
				c.TrustedProxies = proxy.TrustedProxies{netip.MustParsePrefix("127.0.0.0/8")}
			}
		}})
		env.call("GET", "/public/x", "", "", "Traceparent", clientTraceparent, "Tracestate", "a=b")
		s := spansNamed(t, spans, "GET /public/")[0]
		if continued := s.SpanContext().TraceID().String() == clientTrace; continued != trusted {
			t.Errorf("trusted %v: the trace is %s", trusted, s.SpanContext().TraceID())
		}
		if linked := len(s.Links()) == 1 && s.Links()[0].SpanContext.TraceID().String() == clientTrace; linked == trusted {
			t.Errorf("trusted %v: links %v", trusted, s.Links())
		}
	}
}

func TestErrorsAreRecordedInTheSpan(t *testing.T) {
	env, spans := newTracedEnv(t, envConfig{backend: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })})
	env.call("GET", "/public/x", "", "")
	if got := attributesOf(spansNamed(t, spans, "GET /public/")[0]); got["error.type"] != "upstream_error" || got["http.response.status_code"] != "502" {
		t.Errorf("%v", got)
	}
	env.call("GET", "/api/x", "", "")
	if got := attributesOf(spansNamed(t, spans, "GET /api/")[0]); got["error.type"] != "token_missing" {
		t.Errorf("%v", got)
	}
}

// Spans contain no secret, no query, no token and no user.
func TestSpansHoldNoSecrets(t *testing.T) {
	env, spans := newTracedEnv(t, envConfig{settings: func(c *session.Config) { c.CacheTTL = 0 }})
	code := env.user("alice").Code()
	res := env.call("POST", "/auth/login", "", `{"code":"`+code+`"}`)
	var login loginResponse
	res.JSON(t, &login)
	env.call("GET", "/api/x?password=hunter2", login.Token, "", "Cookie", "sid=secret-cookie")
	spansNamed(t, spans, "GET /api/")
	var all strings.Builder
	for _, s := range spans.Ended() {
		all.WriteString(s.Name() + " " + s.Status().Description)
		for key, value := range attributesOf(s) {
			all.WriteString(string(key) + "=" + value + "\n")
		}
		for _, e := range s.Events() {
			all.WriteString(e.Name)
		}
	}
	for name, text := range map[string]string{
		"token": login.Token, "code": code, "app secret": appSecret, "query": "hunter2", "cookie": "secret-cookie", "session_key": env.user("alice").SessionKey(), "openid": env.user("alice").OpenID,
	} {
		if strings.Contains(all.String(), text) {
			t.Errorf("the %s is in a span", name)
		}
	}
}

// The backend receives a trace context without the sampled flag.
func TestUnsampledTraceIsPropagated(t *testing.T) {
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample()))
	env := newTestEnv(t, envConfig{tracer: provider.Tracer("test")})
	res := env.call("GET", "/public/x", "", "", "Traceparent", clientTraceparent)
	var got echoResponse
	if res.JSON(t, &got); !strings.HasSuffix(got.Header.Get("Traceparent"), "-00") || strings.Contains(got.Header.Get("Traceparent"), clientTrace) {
		t.Errorf("the backend received %q", got.Header.Get("Traceparent"))
	}
	off := newTestEnv(t, envConfig{})
	res = off.call("GET", "/public/x", "", "", "Traceparent", clientTraceparent)
	if res.JSON(t, &got); got.Header.Get("Traceparent") != clientTraceparent {
		t.Errorf("with tracing off the backend received %q", got.Header.Get("Traceparent"))
	}
}
