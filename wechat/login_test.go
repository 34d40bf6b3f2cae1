package wechat_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/wechat"
	"wxgate/wechat/wechattest"
)

const jscode2session = "/sns/jscode2session"

// clientFor returns a client whose WeChat is the handler.
func clientFor(t *testing.T, h http.HandlerFunc) *wechat.Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return newClient(t, settings{Base: srv.URL, Timeout: 2 * time.Second})
}

// respondWith responds to every request with this body.
func respondWith(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}

func TestLoginReturnsWeChatsResponse(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	u := env.user(t, "alice")
	got := env.login(t, u)
	if got.OpenID != u.OpenID || got.UnionID != u.UnionID || !got.SessionKey.Equal(u.SessionKey()) {
		t.Errorf("got %+v for %+v", got, u)
	}
}

func TestLoginRequestParameters(t *testing.T) {
	t.Parallel()
	var got *http.Request
	c := clientFor(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		respondWith(`{"openid":"o1","session_key":"a2V5"}`)(w, r)
	})
	if _, err := c.Login(t.Context(), appID, "code-1"); err != nil {
		t.Fatal(err)
	}
	q := got.URL.Query()
	if got.Method != http.MethodGet || got.URL.Path != jscode2session || len(q) != 4 || got.ContentLength != 0 {
		t.Errorf("%s %s, %d parameters, body of %d", got.Method, got.URL.Path, len(q), got.ContentLength)
	}
	if q.Get("appid") != appID || q.Get("secret") != appSecret || q.Get("js_code") != "code-1" || q.Get("grant_type") != "authorization_code" {
		t.Errorf("query %v", q)
	}
}

func TestLoginAcceptsAllFormsOfSuccess(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no errcode":         `{"openid":"o1","session_key":"a2V5"}`,
		"errcode 0":          `{"errcode":0,"errmsg":"ok","openid":"o1","session_key":"a2V5"}`,
		"errcode 0 as text":  `{"errcode":"0","openid":"o1","session_key":"a2V5"}`,
		"errcode null":       `{"errcode":null,"openid":"o1","session_key":"a2V5"}`,
		"expires_in, others": `{"openid":"o1","session_key":"a2V5","expires_in":7200,"new":{"x":[1]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := clientFor(t, respondWith(body)).Login(t.Context(), appID, "code")
			if err != nil || got.OpenID != "o1" || got.SessionKey.Reveal() != "a2V5" || got.UnionID != "" {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestErrcodesMapToErrorClasses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		errcode    int
		want       error
		retryAfter bool
	}{
		{-1, wechat.ErrUnavailable, true},
		{40013, wechat.ErrMisconfigured, false},
		{40029, wechat.ErrInvalidCode, false},
		{40125, wechat.ErrMisconfigured, false},
		{40163, wechat.ErrInvalidCode, false},
		{40164, wechat.ErrMisconfigured, false},
		{40226, wechat.ErrUserBlocked, false},
		{40243, wechat.ErrMisconfigured, false},
		{41002, wechat.ErrMisconfigured, false},
		{41004, wechat.ErrMisconfigured, false},
		{41008, wechat.ErrInvalidCode, false},
		{45009, wechat.ErrUnavailable, true},
		{45011, wechat.ErrRateLimited, true},
		{48001, wechat.ErrMisconfigured, false},
		{87009, wechat.ErrKeyStale, false},
		{99999, wechat.ErrMisconfigured, false},
	} {
		for _, errcode := range []string{strconv.Itoa(c.errcode), strconv.Quote(strconv.Itoa(c.errcode))} {
			t.Run(errcode, func(t *testing.T) {
				t.Parallel()
				body := fmt.Sprintf(`{"errcode":%s,"errmsg":"a message, rid: 1-2-3","openid":"o1","session_key":"a2V5"}`, errcode)
				_, err := clientFor(t, respondWith(body)).Login(t.Context(), appID, "code")
				var e *wechat.Error
				if !errors.Is(err, c.want) || !errors.As(err, &e) {
					t.Fatalf("got %v, want %v", err, c.want)
				}
				if e.Code != c.errcode || e.API != jscode2session || !strings.Contains(e.Message, "rid: 1-2-3") {
					t.Errorf("got %+v", e)
				}
				if (e.RetryAfter > 0) != c.retryAfter {
					t.Errorf("retry after %v", e.RetryAfter)
				}
				if (e.Hint() != "") != (errors.Is(err, wechat.ErrMisconfigured) || c.errcode == 45009) {
					t.Errorf("hint %q", e.Hint())
				}
			})
		}
	}
}

func TestMalformedLoginResponsesAreUnavailable(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", 300)
	for name, h := range map[string]http.HandlerFunc{
		"empty":               respondWith(``),
		"empty object":        respondWith(`{}`),
		"only errcode 0":      respondWith(`{"errcode":0}`),
		"html":                respondWith(`<html>busy</html>`),
		"array":               respondWith(`[]`),
		"null":                respondWith(`null`),
		"two values":          respondWith(`{"openid":"o1","session_key":"a2V5"} {}`),
		"no openid":           respondWith(`{"openid":"","session_key":"a2V5"}`),
		"no session_key":      respondWith(`{"openid":"o1","session_key":""}`),
		"openid a number":     respondWith(`{"openid":1,"session_key":"a2V5"}`),
		"openid with CRLF":    respondWith(`{"openid":"o1\r\nX-OpenID: admin","session_key":"a2V5"}`),
		"openid with NUL":     respondWith(`{"openid":"o1\u0000","session_key":"a2V5"}`),
		"openid too long":     respondWith(`{"openid":"` + long + `","session_key":"a2V5"}`),
		"unionid with LF":     respondWith(`{"openid":"o1","unionid":"u\n","session_key":"a2V5"}`),
		"session_key control": respondWith(`{"openid":"o1","session_key":"a\u0007"}`),
		"session_key long":    respondWith(`{"openid":"o1","session_key":"` + long + `"}`),
		"errcode an object":   respondWith(`{"errcode":{},"openid":"o1","session_key":"a2V5"}`),
		"10 MiB":              respondWith(`{"openid":"o1","session_key":"a2V5","x":"` + strings.Repeat("x", 10<<20) + `"}`),
		"500": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(500)
			respondWith(`{"openid":"o1","session_key":"a2V5"}`)(w, r)
		},
		"hang":              func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"hang in its body":  hangInBody,
		"connection closed": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := clientFor(t, h).Login(t.Context(), appID, "code")
			var e *wechat.Error
			if !errors.Is(err, wechat.ErrUnavailable) || !errors.As(err, &e) || e.RetryAfter == 0 {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestEndlessResponseIsNotReadWhole(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	c := clientFor(t, func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 64<<10)
		for err := error(nil); err == nil && sent.Load() < 1<<30; {
			var n int
			n, err = w.Write(chunk)
			sent.Add(int64(n))
		}
	})
	if _, err := c.Login(t.Context(), appID, "code"); !errors.Is(err, wechat.ErrUnavailable) {
		t.Error(err)
	}
	if sent.Load() > 64<<20 {
		t.Errorf("%d MiB were read", sent.Load()>>20)
	}
}

func hangInBody(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, `{"openid":"o1",`)
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

func TestRedirectsAreNeverFollowed(t *testing.T) {
	t.Parallel()
	var followed atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		followed.Add(1)
		respondWith(`{"openid":"o1","session_key":"a2V5"}`)(w, r)
	}))
	defer other.Close()
	c := clientFor(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/?"+r.URL.RawQuery, http.StatusFound)
	})
	if _, err := c.Login(t.Context(), appID, "code"); !errors.Is(err, wechat.ErrUnavailable) {
		t.Error(err)
	}
	if followed.Load() != 0 {
		t.Error("the AppSecret was sent to the target of a redirect")
	}
}

func TestUntrustedCertificateIsUnavailable(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(respondWith(`{"openid":"o1","session_key":"a2V5"}`))
	srv.Config.ErrorLog = discardLog()
	srv.StartTLS()
	defer srv.Close()
	c := newClient(t, settings{Base: srv.URL})
	if _, err := c.Login(t.Context(), appID, "code"); !errors.Is(err, wechat.ErrUnavailable) {
		t.Error(err)
	}
}

func TestCodeCannotAddParameters(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	for _, code := range []string{
		"", "x&appid=evil&secret=y", "x#", "x%26a", "../", "a\r\nb", "a b", "ü", "a\x00", strings.Repeat("a", 129), strings.Repeat("a", 1<<20),
	} {
		if wechat.ValidCode(code) {
			t.Errorf("%.20q is valid", code)
		}
		_, err := env.client.Login(t.Context(), appID, code)
		if !errors.Is(err, wechat.ErrBadCode) || errors.Is(err, wechat.ErrInvalidCode) {
			t.Errorf("%.20q: %v", code, err)
		}
	}
	if n := env.sim.Count(jscode2session); n != 0 {
		t.Errorf("%d calls of WeChat", n)
	}
	for _, code := range []string{"0a3GvX000hFz1Q1Qn2200dKLyJ3GvX0e", "a-b_c.d~e", strings.Repeat("a", 128)} {
		if !wechat.ValidCode(code) {
			t.Errorf("%q is invalid", code)
		}
	}
}

func TestUnknownAppIsRefusedWithoutACall(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	if _, err := env.client.Login(t.Context(), "wxother", "code"); !errors.Is(err, wechat.ErrUnknownApp) {
		t.Error(err)
	}
	if env.sim.Count(jscode2session) != 0 {
		t.Error("WeChat was called")
	}
}

func TestBusyErrcodeIsRetriedOnce(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.sim.AddFault(wechattest.Fault{API: jscode2session, Errcode: -1, Times: 1})
	start := time.Now()
	env.login(t, env.user(t, "alice"))
	if elapsed := time.Since(start); elapsed < 100*time.Millisecond {
		t.Errorf("retried after %v", elapsed)
	}
	if n := env.sim.Count(jscode2session); n != 2 {
		t.Errorf("%d calls", n)
	}
}

func TestBusyTwiceIsUnavailable(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.sim.AddFault(wechattest.Fault{API: jscode2session, Errcode: -1})
	_, err := env.client.Login(t.Context(), appID, "code")
	if !errors.Is(err, wechat.ErrUnavailable) || env.sim.Count(jscode2session) != 2 {
		t.Errorf("%v after %d calls", err, env.sim.Count(jscode2session))
	}
}

func TestOtherErrorsAreNotRetried(t *testing.T) {
	t.Parallel()
	for _, f := range []wechattest.Fault{{Errcode: 40226}, {Errcode: 45011}, {Errcode: 45009}, {Status: 500}, {Drop: true}} {
		env := newTestEnv(t)
		env.sim.AddFault(f)
		_, err := env.client.Login(t.Context(), appID, "code")
		if err == nil || env.sim.Count(jscode2session) != 1 {
			t.Errorf("%+v: %v after %d calls", f, err, env.sim.Count(jscode2session))
		}
	}
}

// A login that opened a connection of its own would take a TLS handshake more.
func TestLoginsReuseConnections(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); r.Method != http.MethodGet || r.ContentLength != 0 || len(body) > 0 || r.TransferEncoding != nil {
			t.Errorf("%s with a body of %d bytes, %v, %q", r.Method, r.ContentLength, r.TransferEncoding, body)
		}
		respondWith(`{"openid":"o1","session_key":"a2V5"}`)(w, r)
	}))
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	c := newClient(t, settings{Base: srv.URL})
	defer c.Close()
	for range 10 {
		_, err := c.Login(t.Context(), appID, "code")
		testkit.Must(t, err)
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections for ten logins", n)
	}
}

// net/http retries an idempotent request when a reused connection was closed. The code
// in it may already be used.
func TestLoginCodeIsNotResentOnClosedConnections(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1)%2 == 0 {
			panic(http.ErrAbortHandler) // the second request on each reused connection
		}
		respondWith(`{"openid":"o1","session_key":"a2V5"}`)(w, r)
	}))
	defer srv.Close()
	c := newClient(t, settings{Base: srv.URL})
	for i := range int32(10) {
		_, err := c.Login(t.Context(), appID, "code")
		if requests.Load() != i+1 {
			t.Fatalf("login %d made request %d", i+1, requests.Load())
		}
		if failed := err != nil; failed != (i%2 == 1) {
			t.Errorf("login %d: %v", i+1, err)
		}
	}
}

func TestCallersContextErrorIsReturned(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.sim.AddFault(wechattest.Fault{Delay: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := env.client.Login(ctx, appID, "code"); !errors.Is(err, context.Canceled) || errors.Is(err, wechat.ErrUnavailable) {
		t.Errorf("cancelled: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := env.client.Login(ctx, appID, "code"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, wechat.ErrUnavailable) {
		t.Errorf("caller's deadline: %v", err)
	}
}

func TestConfiguredTimeoutIsUnavailable(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t, func(o *settings, _ *wechattest.Options) { o.Timeout = 50 * time.Millisecond })
	env.sim.AddFault(wechattest.Fault{Delay: time.Minute})
	_, err := env.client.Login(t.Context(), appID, "code")
	if !errors.Is(err, wechat.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// A transport that uses HTTP_PROXY would send the AppSecret through a proxy that the
// configuration doesn't name.
func TestHTTPProxyVariableIsIgnored(t *testing.T) {
	proxy := httptest.NewServer(respondWith(`{"openid":"o1","session_key":"a2V5"}`))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("http_proxy", proxy.URL)
	c := newClient(t, settings{Base: "http://wechat.invalid", Timeout: time.Second})
	if _, err := c.Login(t.Context(), appID, "code"); !errors.Is(err, wechat.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
