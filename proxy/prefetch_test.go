package proxy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
	"wxgate/proxy"
	"wxgate/proxy/endpoint"
	"wxgate/secret"
	"wxgate/session"
	"wxgate/wechat/wechattest"
)

const (
	prefetchKey  = "key-of-the-pre-fetch-0123456789"
	prefetchPath = "/auth/prefetch/" + appID + "/" + prefetchKey
)

// newPrefetchEnv is a gateway whose app has its pre-fetch on.
func newPrefetchEnv(t *testing.T, p envConfig) *testEnv {
	t.Helper()
	before := p.config
	p.config = func(c *proxy.Config) {
		c.Endpoints.Prefetches = map[string]secret.Text{appID: prefetchKey}
		if before != nil {
			before(c)
		}
	}
	return newTestEnv(t, p)
}

// prefetch has WeChat prepare a start of alice's.
func (env *testEnv) prefetch(c wechattest.PrefetchCall) wechattest.PrefetchResult {
	env.t.Helper()
	if c.URL == "" {
		c.URL = env.base + prefetchPath
	}
	got, err := env.user("alice").Prefetch(env.t.Context(), c)
	testkit.Must(env.t, err)
	return got
}

// exchanges counts the codes that WeChat was given.
func (env *testEnv) exchanges() int { return env.sim.Count("/sns/jscode2session") }

// A login that WeChat fetched ahead is one: its token works, and the login of
// the same code, on the other instance, gives the same answer and asks WeChat
// nothing.
func TestPrefetchIsALogin(t *testing.T) {
	redis := redistest.Start(t)
	a := newPrefetchEnv(t, envConfig{redis: redis})
	b := newPrefetchEnv(t, envConfig{redis: redis, sim: a.sim})
	for name, header := range map[string][]string{"keyless": nil, "keyed": {"Idempotency-Key", strings.Repeat("k", 16)}} {
		for _, prefetchFirst := range []bool{true, false} {
			before, code := a.exchanges(), a.user("alice").Code()
			var ahead wechattest.PrefetchResult
			if prefetchFirst {
				ahead = a.prefetch(wechattest.PrefetchCall{Code: code, Path: "pages/index", Query: "a=1&b=2", Scene: 1011})
			}
			own := b.call("POST", "/auth/login", "", fmt.Sprintf(`{"code":%q}`, code), header...)
			if !prefetchFirst {
				ahead = a.prefetch(wechattest.PrefetchCall{Code: code})
			}
			repeated := b.prefetch(wechattest.PrefetchCall{Code: code})
			var got struct{ Token string }
			testkit.Must(t, json.Unmarshal([]byte(ahead.Data), &got))
			if ahead.Status != http.StatusOK || string(own.Body) != ahead.Data || repeated.Data != ahead.Data {
				t.Errorf("%s, pre-fetch first %v: fetched %+v, logged in %s, again %+v", name, prefetchFirst, ahead, own.Body, repeated)
			}
			if n := a.exchanges() - before; n != 1 {
				t.Errorf("%s, pre-fetch first %v: WeChat was asked %d times", name, prefetchFirst, n)
			}
			if r := b.call("GET", "/api/x", got.Token, ""); r.Status != http.StatusOK {
				t.Errorf("%s: its token: %d %s", name, r.Status, r.Body)
			}
			again := a.call("POST", "/auth/login", "", fmt.Sprintf(`{"code":%q}`, code))
			if again.Code() != "invalid_code" {
				t.Errorf("%s: the code once more, without a key: %d %s", name, again.Status, again.Body)
			}
		}
	}
}

func TestPrefetchAndLoginAtOnceAskWeChatOnce(t *testing.T) {
	redis := redistest.Start(t)
	envs := []*testEnv{newPrefetchEnv(t, envConfig{redis: redis})}
	envs = append(envs, newPrefetchEnv(t, envConfig{redis: redis, sim: envs[0].sim}))
	code := envs[0].user("alice").Code()
	answers := make([]string, 6)
	var all sync.WaitGroup
	for i := range answers {
		env := envs[i/2%2]
		all.Go(func() {
			if i%2 == 0 {
				answers[i] = env.prefetch(wechattest.PrefetchCall{Code: code}).Data
				return
			}
			a := env.call("POST", "/auth/login", "", fmt.Sprintf(`{"code":%q}`, code), "Idempotency-Key", strings.Repeat("k", 16))
			answers[i] = string(a.Body)
		})
	}
	all.Wait()
	for i, a := range answers {
		if a != answers[0] || !strings.Contains(a, `"token"`) {
			t.Errorf("answer %d is %s", i, a)
		}
	}
	if n := envs[0].exchanges(); n != 1 {
		t.Errorf("WeChat was asked %d times", n)
	}
}

func TestPrefetchRefusals(t *testing.T) {
	env := newPrefetchEnv(t, envConfig{})
	env.user("mallory").Block(true)
	blocked := env.user("mallory").Code()
	good := env.user("alice").Code()
	for name, c := range map[string]struct{ method, target, want string }{
		"another key":      {"GET", "/auth/prefetch/" + appID + "/" + strings.Repeat("k", 31) + "?code=" + good, "404 no_route"},
		"a longer key":     {"GET", prefetchPath + "x?code=" + good, "404 no_route"},
		"a path below":     {"GET", prefetchPath + "/x?code=" + good, "404 no_route"},
		"no key":           {"GET", "/auth/prefetch/" + appID + "/?code=" + good, "404 no_route"},
		"no key, no slash": {"GET", "/auth/prefetch/" + appID + "?code=" + good, "404 no_route"},
		"another app's":    {"GET", "/auth/prefetch/wxother/" + prefetchKey + "?code=" + good, "404 no_route"},
		"no app":           {"GET", "/auth/prefetch/?code=" + good, "404 no_route"},
		"HEAD":             {"HEAD", prefetchPath + "?code=" + good, "405 method_not_allowed"},
		"POST":             {"POST", prefetchPath + "?code=" + good, "405 method_not_allowed"},
		"no code":          {"GET", prefetchPath, "400 bad_request"},
		"a token":          {"GET", prefetchPath + "?token=abc", "400 bad_request"},
		"two codes":        {"GET", prefetchPath + "?code=" + good + "&code=" + good, "400 bad_request"},
		"a code that adds": {"GET", prefetchPath + "?code=a%26appid%3Dwxother", "400 bad_request"},
		"a huge code":      {"GET", prefetchPath + "?code=" + strings.Repeat("a", 2000), "400 bad_request"},
		"another appid":    {"GET", prefetchPath + "?appid=wxother&code=" + good, "400 bad_request"},
		"two appids":       {"GET", prefetchPath + "?appid=" + appID + "&appid=" + appID + "&code=" + good, "400 bad_request"},
		"a code of nobody": {"GET", prefetchPath + "?code=never-issued", "401 invalid_code"},
		"a blocked user's": {"GET", prefetchPath + "?code=" + blocked, "403 user_blocked"},
	} {
		if a := env.call(c.method, c.target, "", ""); strings.TrimSpace(fmt.Sprint(a.Status, " ", a.Code())) != c.want {
			t.Errorf("%s: want %s, got %d %s", name, c.want, a.Status, a.Body)
		}
	}
	if a := env.call("GET", prefetchPath+"?code="+good, "", ""); a.Status != http.StatusOK || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a refusal used the code up: %d %s", a.Status, a.Body)
	}
	if off := newTestEnv(t, envConfig{}); off.call("GET", prefetchPath+"?code="+good, "", "").Code() != "no_route" {
		t.Error("it answers where it is off")
	}
}

// WeChat calls from a few addresses, for all users.
func TestPrefetchIsNotCutOffByLoginPerIP(t *testing.T) {
	env := newPrefetchEnv(t, envConfig{config: func(c *proxy.Config) { c.Endpoints.LoginPerIP = session.Rate{Count: 2, Per: time.Minute} }})
	for range 10 {
		if got := env.prefetch(wechattest.PrefetchCall{}); got.Status != http.StatusOK {
			t.Fatalf("%+v", got)
		}
	}
	for _, want := range []int{http.StatusOK, http.StatusOK, http.StatusTooManyRequests} { // and it counts for nobody
		if a := env.call("POST", "/auth/login", "", fmt.Sprintf(`{"code":%q}`, env.user("bob").Code())); a.Status != want {
			t.Errorf("want %d, got %d %s", want, a.Status, a.Body)
		}
	}
}

// WeChat keeps 256 KB. The answer of a user with all that a login can have is
// far below.
func TestPrefetchAnswerIsSmall(t *testing.T) {
	hook := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		roles := make([]string, 32)
		for i := range roles {
			roles[i] = fmt.Sprintf("%02d%s", i, strings.Repeat("店", 20))
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"user_id": strings.Repeat("u", 128), "roles": roles})
	}))
	env := newPrefetchEnv(t, envConfig{config: func(c *proxy.Config) {
		c.Endpoints.Hook = endpoint.Hook{URL: hook, Timeout: 2 * time.Second, Client: endpoint.NewBackendClient()}
	}})
	if got := env.prefetch(wechattest.PrefetchCall{}); got.Status != http.StatusOK || len(got.Data) > 8<<10 {
		t.Errorf("%d bytes, %+v", len(got.Data), got)
	}
}

func TestPrefetchWhileSomethingIsAway(t *testing.T) {
	env := newPrefetchEnv(t, envConfig{})
	code := env.user("alice").Code()
	env.sim.AddFault(wechattest.Fault{API: "/sns/jscode2session", Times: 2, Errcode: -1})
	if got := env.prefetch(wechattest.PrefetchCall{Code: code}); got.Status != http.StatusServiceUnavailable {
		t.Errorf("while WeChat is unreachable: %+v", got)
	}
	if got := env.prefetch(wechattest.PrefetchCall{Code: code}); got.Status != http.StatusOK {
		t.Errorf("WeChat has not used the code up: %+v", got)
	}
	code = env.user("alice").Code()
	env.redis.Stop()
	if got := env.prefetch(wechattest.PrefetchCall{Code: code}); got.Status != http.StatusServiceUnavailable {
		t.Errorf("while Redis is unreachable: %+v", got)
	}
	env.redis.Start()
	testkit.Eventually(t, "the same code works", func() bool {
		return env.prefetch(wechattest.PrefetchCall{Code: code}).Status == http.StatusOK
	})
}

// Neither code, token nor key is in a log line or a span, whatever the path.
func TestPrefetchIsLoggedWithoutItsSecrets(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	t.Cleanup(func() { testkit.Must(t, provider.Shutdown(context.Background())) })
	env := newPrefetchEnv(t, envConfig{tracer: provider.Tracer("test")})
	code := env.user("alice").Code()
	env.prefetch(wechattest.PrefetchCall{Code: code})
	env.prefetch(wechattest.PrefetchCall{Token: "token-of-the-mini-program"})
	env.prefetch(wechattest.PrefetchCall{URL: env.base + "/auth/" + prefetchPath}) // //, as an operator mistypes it
	env.prefetch(wechattest.PrefetchCall{URL: env.base + "/wx" + prefetchPath})
	named(t, spans, "GET auth/prefetch/"+appID)
	logged := env.logs.String()
	for _, s := range spans.Ended() {
		logged += fmt.Sprintln(s.Name(), s.Attributes(), s.Events())
	}
	if !strings.Contains(logged, "/auth/prefetch/"+appID+"/[redacted]") {
		t.Error("the calls are not logged")
	}
	for _, text := range []string{code, "token-of-the-mini-program", prefetchKey} {
		if strings.Contains(logged, text) {
			t.Errorf("%s is in the log or a span", text)
		}
	}
}
