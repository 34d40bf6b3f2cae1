package wechat_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"wxgate/wechat"
	"wxgate/wechat/wechattest"
)

// relayTo returns the relay of a client with an access token, whose WeChat is the handler.
func relayTo(t *testing.T, h http.HandlerFunc) http.RoundTripper {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return newClient(t, settings{Base: srv.URL, Tokens: fixedToken{"T1"}}).Relay(appID)
}

func relayRequest(t *testing.T, method, target string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// roundTrip sends the request and reads the response.
func roundTrip(t *testing.T, r http.RoundTripper, req *http.Request) (*http.Response, []byte) {
	t.Helper()
	res, err := r.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, body
}

func TestRelayReplacesAccessTokenOfTheCaller(t *testing.T) {
	t.Parallel()
	var got string
	r := relayTo(t, func(_ http.ResponseWriter, r *http.Request) { got = r.URL.RawQuery })
	for query, want := range map[string]string{
		"":                                       "access_token=T1",
		"access_token=forged":                    "access_token=T1",
		"access_token=a&access_token=b":          "access_token=T1",
		"access%5Ftoken=forged&x=1":              "x=1&access_token=T1",
		"%61ccess_token=forged":                  "access_token=T1",
		"access_token":                           "access_token=T1",
		"cloudbase_access_token=forged&x=1":      "x=1&access_token=T1",
		"Access_Token=forged":                    "access_token=T1",
		"my_access_token=kept":                   "my_access_token=kept&access_token=T1",
		"b=2&access_token=forged&a=%2F+%20&b=;c": "b=2&a=%2F+%20&b=;c&access_token=T1",
		"&&x=1&":                                 "x=1&access_token=T1",
	} {
		roundTrip(t, r, relayRequest(t, "GET", "/wxa/x?"+query, nil))
		if got != want {
			t.Errorf("%q was sent as %q, want %q", query, got, want)
		}
	}
}

func TestRelayPassesMethodPathAndBody(t *testing.T) {
	t.Parallel()
	r := relayTo(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", fmt.Sprintf("%s %s %d %s", r.Method, r.URL.EscapedPath(), r.ContentLength, r.Header.Get("Content-Type")))
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write(body)
	})
	for _, c := range []struct {
		method, path, body, want string
	}{
		{"GET", "/wxa/a", "", "GET /wxa/a 0"},
		{"POST", "/wxa/a%2Fb/%E4%B8%AD", `{"x":1}`, "POST /wxa/a%2Fb/%E4%B8%AD 7 text/x"},
		{"PUT", "/a/b.c", strings.Repeat("x", 1<<20), "PUT /a/b.c 1048576 text/x"},
		{"DELETE", "/", "", "DELETE / 0"},
	} {
		req := relayRequest(t, c.method, "https://elsewhere.test"+c.path, strings.NewReader(c.body))
		if c.body != "" {
			req.Header.Set("Content-Type", "text/x")
		}
		res, body := roundTrip(t, r, req)
		if res.StatusCode != http.StatusTeapot || res.Header.Get("X-Seen") != c.want || string(body) != c.body {
			t.Errorf("%s %s: %d %q, %d bytes", c.method, c.path, res.StatusCode, res.Header.Get("X-Seen"), len(body))
		}
	}
}

func TestRelayKeepsThePathOfTheBase(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.EscapedPath()) }))
	defer srv.Close()
	c := newClient(t, settings{Base: srv.URL + "/proxy/", Tokens: fixedToken{"T1"}})
	if _, body := roundTrip(t, c.Relay(appID), relayRequest(t, "GET", "/wxa/a%2Fb", nil)); string(body) != "/proxy/wxa/a%2Fb" {
		t.Errorf("got %s", body)
	}
}

// The caller's credentials for the gateway must not be sent to WeChat.
func TestRelayDropsTheCallersCredentials(t *testing.T) {
	t.Parallel()
	var got http.Header
	var host string
	r := relayTo(t, func(_ http.ResponseWriter, r *http.Request) { got, host = r.Header.Clone(), r.Host })
	req := relayRequest(t, "POST", "http://gateway.internal:9090/wxa/x", strings.NewReader("{}"))
	req.Host = "gateway.internal:9090"
	for _, name := range []string{"Authorization", "Cookie", "X-Forwarded-For", "X-OpenID", "Accept-Encoding", "Connection", "Upgrade"} {
		req.Header.Set(name, "secret")
	}
	for _, name := range []string{"Content-Type", "Accept", "User-Agent", "Wechatmp-Signature"} {
		req.Header.Set(name, "kept")
	}
	roundTrip(t, r, req)
	for name, values := range got {
		if strings.Contains(fmt.Sprint(values), "secret") {
			t.Errorf("%s was sent to WeChat", name)
		}
	}
	for _, name := range []string{"Content-Type", "Accept", "User-Agent", "Wechatmp-Signature"} {
		if got.Get(name) != "kept" {
			t.Errorf("%s was not sent", name)
		}
	}
	if strings.Contains(host, "gateway") {
		t.Errorf("host %s", host)
	}
}

func TestRelayReturnsImages(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	res, body := roundTrip(t, env.client.Relay(appID), relayRequest(t, "POST", "/wxa/getwxacodeunlimit", strings.NewReader(`{"scene":"a=1"}`)))
	if res.Header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("%v", res.Header)
	}
	if _, err := jpeg.Decode(bytes.NewReader(body)); err != nil {
		t.Error(err)
	}
}

// upload is a multipart form with a file of that many bytes.
func upload(t *testing.T, size int) (contentType string, form []byte, sum string) {
	t.Helper()
	file := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	digest := sha256.Sum256(file)
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	part, err := m.CreateFormFile("media", "a.png")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(file)
	_ = m.Close()
	return m.FormDataContentType(), b.Bytes(), base64.RawURLEncoding.EncodeToString(digest[:])
}

func TestRelayPassesUploads(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	for _, size := range []int{16, 100 << 10, 5 << 20} {
		for _, announced := range []bool{true, false} {
			contentType, form, sum := upload(t, size)
			req := relayRequest(t, "POST", "/cgi-bin/media/upload?type=image", bytes.NewReader(form))
			req.Header.Set("Content-Type", contentType)
			if !announced {
				req.ContentLength = -1
			}
			_, body := roundTrip(t, env.client.Relay(appID), req)
			var got struct {
				MediaID string `json:"media_id"`
			}
			if err := json.Unmarshal(body, &got); err != nil || got.MediaID != sum {
				t.Errorf("%d bytes, announced %v: %s", size, announced, body)
			}
		}
	}
}

// A long body must not be buffered: the second half is written only after WeChat has
// received the first.
func TestRelayStreamsRequests(t *testing.T) {
	t.Parallel()
	started := make(chan struct{})
	r := relayTo(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadFull(r.Body, make([]byte, 512<<10))
		close(started)
		rest, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, rest)
	})
	body, feed := io.Pipe()
	go func() {
		_, _ = feed.Write(make([]byte, 1<<20))
		<-started
		_, _ = feed.Write(make([]byte, 1<<20))
		_ = feed.Close()
	}()
	if _, got := roundTrip(t, r, relayRequest(t, "POST", "/wxa/x", body)); string(got) != fmt.Sprint(3<<19) {
		t.Errorf("%s bytes after the start", got)
	}
}

func TestRelayStreamsResponses(t *testing.T) {
	t.Parallel()
	read := make(chan struct{})
	r := relayTo(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first")
		_ = http.NewResponseController(w).Flush()
		<-read
		_, _ = io.WriteString(w, "second")
	})
	res, err := r.RoundTrip(relayRequest(t, "GET", "/wxa/x", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	first := make([]byte, 5)
	if _, err := io.ReadFull(res.Body, first); err != nil || string(first) != "first" {
		t.Fatalf("%s, %v", first, err)
	}
	close(read)
	if rest, err := io.ReadAll(res.Body); err != nil || string(rest) != "second" {
		t.Errorf("%s, %v", rest, err)
	}
}

func TestRelayReturnsWeChatsErrors(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	res, body := roundTrip(t, env.client.Relay(appID), relayRequest(t, "GET", "/wxa/getwxacodeunlimit", nil))
	if res.StatusCode != 200 || !bytes.HasPrefix(body, []byte(`{"errcode":43002,`)) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	env.sim.AddFault(wechattest.Fault{Status: 500, Body: "oh", Times: 1})
	res, body = roundTrip(t, env.client.Relay(appID), relayRequest(t, "GET", "/wxa/x", nil))
	if res.StatusCode != 500 || string(body) != "oh" {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

// Responses that resemble an invalid token's errcode are returned unchanged, and not retried.
func TestRelayedResponsesAreUnchanged(t *testing.T) {
	t.Parallel()
	for name, response := range map[string]string{
		"empty":                 "",
		"brace":                 "{",
		"not JSON":              `{"errcode":40001`,
		"long":                  `{"errcode":40001,"x":"` + strings.Repeat("x", 8<<10) + `"}`,
		"exactly the peek size": `{"x":"` + strings.Repeat("x", 4<<10-8) + `"}`,
		"other code":            `{"errcode":48001,"errmsg":"api unauthorized"}`,
		"array":                 `[{"errcode":40001}]`,
		"text":                  "40001",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, chunked := range []bool{true, false} {
				var calls atomic.Int32
				r := relayTo(t, func(w http.ResponseWriter, r *http.Request) {
					calls.Add(1)
					if chunked {
						_ = http.NewResponseController(w).Flush()
					}
					_, _ = io.WriteString(w, response)
				})
				if _, body := roundTrip(t, r, relayRequest(t, "GET", "/wxa/x", nil)); string(body) != response || calls.Load() != 1 {
					t.Errorf("%d bytes of %d after %d calls", len(body), len(response), calls.Load())
				}
			}
		})
	}
}

func TestRelayRetriesWithTheWholeBody(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	accessToken(t, env.client)
	for _, size := range []int{16, 200 << 10} {
		_ = env.sim.InvalidateToken(appID, false)
		contentType, form, sum := upload(t, size)
		req := relayRequest(t, "POST", "/cgi-bin/media/upload?type=image", bytes.NewReader(form))
		req.Header.Set("Content-Type", contentType)
		if _, body := roundTrip(t, env.client.Relay(appID), req); !strings.Contains(string(body), sum) {
			t.Errorf("%d bytes: %s", size, body)
		}
	}
}

func TestRelayReplacesTheTokenForALongBodyWithoutRetry(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	accessToken(t, env.client)
	_ = env.sim.InvalidateToken(appID, false)
	for i, want := range []string{`{"errcode":40001,`, `{"created_at":`} {
		contentType, form, _ := upload(t, 1<<20)
		req := relayRequest(t, "POST", "/cgi-bin/media/upload?type=image", bytes.NewReader(form))
		req.Header.Set("Content-Type", contentType)
		if _, body := roundTrip(t, env.client.Relay(appID), req); !strings.HasPrefix(string(body), want) {
			t.Errorf("upload %d: %s", i+1, body)
		}
	}
}

func TestRelayRetriesOnce(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.sim.AddFault(wechattest.Fault{API: "/wxa/x", Errcode: 40001})
	_, body := roundTrip(t, env.client.Relay(appID), relayRequest(t, "GET", "/wxa/x", nil))
	if !bytes.HasPrefix(body, []byte(`{"errcode":40001,`)) || env.sim.Count("/wxa/x") != 2 {
		t.Errorf("%d calls, %s", env.sim.Count("/wxa/x"), body)
	}
}

func TestRelayWithoutATokenFails(t *testing.T) {
	t.Parallel()
	env := newTestEnv(t)
	env.sim.AddFault(wechattest.Fault{API: stableToken, Errcode: 40125})
	body := &closeRecorder{Reader: strings.NewReader("{}")}
	_, err := env.client.Relay(appID).RoundTrip(relayRequest(t, "POST", "/wxa/x", body))
	if !errors.Is(err, wechat.ErrMisconfigured) || !body.closed.Load() {
		t.Errorf("%v, body closed %v", err, body.closed.Load())
	}
	body = &closeRecorder{Reader: strings.NewReader("{}")}
	_, err = env.client.Relay("wxother").RoundTrip(relayRequest(t, "POST", "/wxa/x", body))
	if !errors.Is(err, wechat.ErrUnknownApp) || !body.closed.Load() {
		t.Errorf("%v, body closed %v", err, body.closed.Load())
	}
	if env.sim.Count("/wxa/x") != 0 {
		t.Error("a call without a token")
	}
}

type closeRecorder struct {
	io.Reader
	closed atomic.Bool
}

func (c *closeRecorder) Close() error { c.closed.Store(true); return nil }

// A request body that is too long or incomplete is no failure of WeChat.
func TestRequestBodyErrorIsReturnedAndNotCounted(t *testing.T) {
	t.Parallel()
	for _, announced := range []int64{-1, 2 << 20} {
		r := relayTo(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
		for range 20 {
			body := http.MaxBytesReader(nil, io.NopCloser(bytes.NewReader(make([]byte, 2<<20))), 1<<20)
			req := relayRequest(t, "POST", "/wxa/x", body)
			req.ContentLength = announced
			_, err := r.RoundTrip(req)
			if _, ok := errors.AsType[*http.MaxBytesError](err); !ok || errors.Is(err, wechat.ErrUnavailable) {
				t.Fatalf("got %v", err)
			}
		}
		roundTrip(t, r, relayRequest(t, "POST", "/wxa/x", nil)) // the circuit breaker is closed
	}
}

func TestRelayErrorsContainNoQuery(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(nil)
	srv.Close()
	c := newClient(t, settings{Base: srv.URL, Tokens: fixedToken{"T1-secret"}})
	_, err := c.Relay(appID).RoundTrip(relayRequest(t, "GET", "/wxa/x?q=1", nil))
	var u *url.Error
	if !errors.Is(err, wechat.ErrUnavailable) || errors.As(err, &u) || strings.Contains(err.Error(), "T1-secret") {
		t.Errorf("got %v", err)
	}
}
