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

// newPrefetchEnv returns a gateway with pre-fetch enabled.
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

// prefetch makes the simulated WeChat pre-fetch for alice.
func (env *testEnv) prefetch(c wechattest.PrefetchCall) wechattest.PrefetchResult {
	env.t.Helper()
	if c.URL == "" {
		c.URL = env.base + prefetchPath
	}
	got, err := env.user("alice").Prefetch(env.t.Context(), c)
	testkit.Must(env.t, err)
	return got
}

// exchanges returns the number of codes exchanged at WeChat.
func (env *testEnv) exchanges() int { return env.sim.Count("/sns/jscode2session") }

// A pre-fetch logs the user in: its token is valid, and a login with the same code on the
// other instance returns the same response without a call to WeChat.
func TestPrefetchIsALogin(t *testing.T) {
	redis := redistest.Start(t)
	a := newPrefetchEnv(t, envConfig{redis: redis})
	b := newPrefetchEnv(t, envConfig{redis: redis, sim: a.sim})
	for name, header := range map[string][]string{"keyless": nil, "keyed": {"Idempotency-Key", strings.Repeat("k", 16)}} {
		for _, prefetchFirst := range []bool{true, false} {
			before, code := a.exchanges(), a.user("alice").Code()
			var prefetched wechattest.PrefetchResult
			if prefetchFirst {
				prefetched = a.prefetch(wechattest.PrefetchCall{Code: code, Path: "pages/index", Query: "a=1&b=2", Scene: 1011})
			}
			login := b.call("POST", "/auth/login", "", fmt.Sprintf(`{"code":%q}`, code), header...)
			if !prefetchFirst {
				prefetched = a.prefetch(wechattest.PrefetchCall{Code: code})
			}
			repeated := b.prefetch(wechattest.PrefetchCall{Code: code})
			var got struct{ Token string }
			testkit.Must(t, json.Unmarshal([]byte(prefetched.Data), &got))
			if prefetched.Status != http.StatusOK || string(login.Body) != prefetched.Data || repeated.Data != prefetched.Data {
				t.Errorf("%s, pre-fetch first %v: pre-fetched %+v, login %s, repeated %+v", name, prefetchFirst, prefetched, login.Body, repeated)
			}
			if n := a.exchanges() - before; n != 1 {
				t.Errorf("%s, pre-fetch first %v: %d calls to WeChat", name, prefetchFirst, n)
			}
			if r := b.call("GET", "/api/x", got.Token, ""); r.Status != http.StatusOK {
				t.Errorf("%s: its token: %d %s", name, r.Status, r.Body)
			}
			keyless := a.call("POST", "/auth/login", "", fmt.Sprintf(`{"code":%q}`, code))
			if keyless.Code() != "invalid_code" {
				t.Errorf("%s: the code again, without a key: %d %s", name, keyless.Status, keyless.Body)
			}
		}
	}
}

func TestConcurrentPrefetchAndLoginCallWeChatOnce(t *testing.T) {
	redis := redistest.Start(t)
	envs := []*testEnv{newPrefetchEnv(t, envConfig{redis: redis})}
	envs = append(envs, newPrefetchEnv(t, envConfig{redis: redis, sim: envs[0].sim}))
	code := envs[0].user("alice").Code()
	responses := make([]string, 6)
	var all sync.WaitGroup
	for i := range responses {
		env := envs[i/2%2]
		all.Go(func() {
			if i%2 == 0 {
				responses[i] = env.prefetch(wechattest.PrefetchCall{Code: code}).Data
				return
			}
			res := env.call("POST", "/auth/login", "", fmt.Sprintf(`{"code":%q}`, code), "Idempotency-Key", strings.Repeat("k", 16))
			responses[i] = string(res.Body)
		})
	}
	all.Wait()
	for i, res := range responses {
		if res != responses[0] || !strings.Contains(res, `"token"`) {
			t.Errorf("response %d is %s", i, res)
		}
	}
	if n := envs[0].exchanges(); n != 1 {
		t.Errorf("%d calls to WeChat", n)
	}
}

func TestPrefetchRefusesInvalidCalls(t *testing.T) {
	env := newPrefetchEnv(t, envConfig{})
	env.user("mallory").Block(true)
	blocked := env.user("mallory").Code()
	valid := env.user("alice").Code()
	for name, c := range map[string]struct{ method, target, want string }{
		"another key":            {"GET", "/auth/prefetch/" + appID + "/" + strings.Repeat("k", 31) + "?code=" + valid, "404 no_route"},
		"a longer key":           {"GET", prefetchPath + "x?code=" + valid, "404 no_route"},
		"a path below":           {"GET", prefetchPath + "/x?code=" + valid, "404 no_route"},
		"no key":                 {"GET", "/auth/prefetch/" + appID + "/?code=" + valid, "404 no_route"},
		"no key, no slash":       {"GET", "/auth/prefetch/" + appID + "?code=" + valid, "404 no_route"},
		"another app's":          {"GET", "/auth/prefetch/wxother/" + prefetchKey + "?code=" + valid, "404 no_route"},
		"no app":                 {"GET", "/auth/prefetch/?code=" + valid, "404 no_route"},
		"HEAD":                   {"HEAD", prefetchPath + "?code=" + valid, "405 method_not_allowed"},
		"POST":                   {"POST", prefetchPath + "?code=" + valid, "405 method_not_allowed"},
		"no code":                {"GET", prefetchPath, "400 bad_request"},
		"a token":                {"GET", prefetchPath + "?token=abc", "400 bad_request"},
		"two codes":              {"GET", prefetchPath + "?code=" + valid + "&code=" + valid, "400 bad_request"},
		"a code with parameters": {"GET", prefetchPath + "?code=a%26appid%3Dwxother", "400 bad_request"},
		"a huge code":            {"GET", prefetchPath + "?code=" + strings.Repeat("a", 2000), "400 bad_request"},
		"another appid":          {"GET", prefetchPath + "?appid=wxother&code=" + valid, "400 bad_request"},
		"two appids":             {"GET", prefetchPath + "?appid=" + appID + "&appid=" + appID + "&code=" + valid, "400 bad_request"},
		"an unknown code":        {"GET", prefetchPath + "?code=never-issued", "401 invalid_code"},
		"a blocked user's":       {"GET", prefetchPath + "?code=" + blocked, "403 user_blocked"},
	} {
		if res := env.call(c.method, c.target, "", ""); strings.TrimSpace(fmt.Sprint(res.Status, " ", res.Code())) != c.want {
			t.Errorf("%s: want %s, got %d %s", name, c.want, res.Status, res.Body)
		}
	}
	if res := env.call("GET", prefetchPath+"?code="+valid, "", ""); res.Status != http.StatusOK || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a refused call used the code: %d %s", res.Status, res.Body)
	}
	if off := newTestEnv(t, envConfig{}); off.call("GET", prefetchPath+"?code="+valid, "", "").Code() != "no_route" {
		t.Error("it responds although pre-fetch is off")
	}
}

// WeChat calls from few addresses for all users.
func TestLoginLimitDoesNotApplyToPrefetch(t *testing.T) {
	env := newPrefetchEnv(t, envConfig{config: func(c *proxy.Config) { c.Endpoints.LoginPerIP = session.Rate{Count: 2, Per: time.Minute} }})
	for range 10 {
		if got := env.prefetch(wechattest.PrefetchCall{}); got.Status != http.StatusOK {
			t.Fatalf("%+v", got)
		}
	}
	for _, want := range []int{http.StatusOK, http.StatusOK, http.StatusTooManyRequests} { // pre-fetches do not count against the limit of the address
		if res := env.call("POST", "/auth/login", "", fmt.Sprintf(`{"code":%q}`, env.user("bob").Code())); res.Status != want {
			t.Errorf("want %d, got %d %s", want, res.Status, res.Body)
		}
	}
}

// WeChat stores up to 256 KB. The largest possible response is far below that.
func TestPrefetchResponseIsSmall(t *testing.T) {
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

func TestPrefetchDuringOutages(t *testing.T) {
	env := newPrefetchEnv(t, envConfig{})
	code := env.user("alice").Code()
	env.sim.AddFault(wechattest.Fault{API: "/sns/jscode2session", Times: 2, Errcode: -1})
	if got := env.prefetch(wechattest.PrefetchCall{Code: code}); got.Status != http.StatusServiceUnavailable {
		t.Errorf("while WeChat is unreachable: %+v", got)
	}
	if got := env.prefetch(wechattest.PrefetchCall{Code: code}); got.Status != http.StatusOK {
		t.Errorf("the code is still unused: %+v", got)
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

// Code, token and key are neither in log lines nor in spans, even if the path is wrong.
func TestPrefetchSecretsAreNotLogged(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	t.Cleanup(func() { testkit.Must(t, provider.Shutdown(context.Background())) })
	env := newPrefetchEnv(t, envConfig{tracer: provider.Tracer("test")})
	code := env.user("alice").Code()
	env.prefetch(wechattest.PrefetchCall{Code: code})
	env.prefetch(wechattest.PrefetchCall{Token: "token-of-the-mini-program"})
	env.prefetch(wechattest.PrefetchCall{URL: env.base + "/auth/" + prefetchPath}) // with "//", as after a typing error in the console
	env.prefetch(wechattest.PrefetchCall{URL: env.base + "/wx" + prefetchPath})
	spansNamed(t, spans, "GET auth/prefetch/"+appID)
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
