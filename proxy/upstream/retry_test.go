package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/internal/testkit"
)

func withCanceledContext(r *http.Request) *http.Request {
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	return r.WithContext(ctx)
}

func withBody(b io.ReadCloser) func(*http.Request) *http.Request {
	return func(r *http.Request) *http.Request {
		r.Body, r.ContentLength = b, -1
		return r
	}
}

var errBroken = errors.New("broken")

// brokenBody fails to be read.
type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errBroken }

func (brokenBody) Close() error { return nil }

// serveReset reads each request whole, counts it and resets the connection.
func serveReset(t *testing.T, seen *atomic.Int64) string {
	return serveRaw(t, func(c net.Conn, r *bufio.Reader) {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		io.Copy(io.Discard, req.Body)
		seen.Add(1)
		resetConn(c)
	})
}

// RT-02
func TestAnyRequestIsRetriedIfNothingHasReachedATarget(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "POST", "PATCH", "PUT", "DELETE"} {
		for _, body := range []string{"", "the body", strings.Repeat("long", 50_000)} {
			b := serve(t, func(w http.ResponseWriter, r *http.Request) {
				got, _ := io.ReadAll(r.Body)
				w.Write(got)
			})
			g, _ := groupWithClock(t, Config{Targets: targets(t, refusedURL, b), Retries: 1})
			for range 2 {
				if r := send(g, request(t, method, "/", body)); r.err != nil || r.body != body {
					t.Errorf("%s with %d bytes: got %d bytes, %v", method, len(body), len(r.body), r.err)
				}
			}
		}
	}
}

// RT-01
func TestANonIdempotentRequestThatMayHaveReachedATargetIsNotRetried(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, body string }{
		{"POST", "x"}, {"POST", ""}, {"PATCH", "x"}, {"PATCH", ""}, {"PUT", "x"}, {"GET", "x"}, {"DELETE", "x"},
	} {
		var seen atomic.Int64
		other, b := serveCounting(t, "b")
		g, _ := groupWithClock(t, Config{Targets: targets(t, serveReset(t, &seen), b), Retries: 3})
		req := request(t, c.method, "/", c.body)
		req.Header.Set("Idempotency-Key", "k") // with it http.Transport may repeat the request
		if r := send(g, req); r.err == nil {
			t.Errorf("%s %q: no error", c.method, c.body)
		}
		if n := seen.Load() + other.requests.Load(); n != 1 {
			t.Errorf("%s %q: sent %d times", c.method, c.body, n)
		}
	}
}

// RT-02
func TestIdempotentRequestsAreRetriedAtAnotherTarget(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE"} {
		var seen atomic.Int64
		other, b := serveCounting(t, "b")
		g, _ := groupWithClock(t, Config{Targets: targets(t, serveReset(t, &seen), b), Retries: 1})
		if r := send(g, request(t, method, "/", "")); r.err != nil || r.status != 200 {
			t.Errorf("%s: %d, %v", method, r.status, r.err)
		}
		if seen.Load() != 1 || other.requests.Load() != 1 {
			t.Errorf("%s: sent %d and %d times", method, seen.Load(), other.requests.Load())
		}
	}
}

func TestRetriesAreLimitedAndGoToOtherTargets(t *testing.T) {
	t.Parallel()
	for retries, want := range []int64{1, 2, 3, 3} {
		var seen [3]atomic.Int64
		var urls []string
		for i := range seen {
			urls = append(urls, serveReset(t, &seen[i]))
		}
		g, _ := groupWithClock(t, Config{Targets: targets(t, urls...), Retries: retries})
		if r := get(t, g, "/"); r.err == nil {
			t.Fatal("no error")
		}
		total := int64(0)
		for i := range seen {
			if n := seen[i].Load(); n > 1 {
				t.Errorf("%d retries: target %d got %d requests", retries, i, n)
			}
			total += seen[i].Load()
		}
		if total != want {
			t.Errorf("%d retries: %d attempts instead of %d", retries, total, want)
		}
	}
}

// HS-35
func TestARetryHasTheSameHeaderOnce(t *testing.T) {
	t.Parallel()
	got := make(chan *http.Request, 1)
	var seen atomic.Int64
	b := serve(t, func(w http.ResponseWriter, r *http.Request) { got <- r })
	g, _ := groupWithClock(t, Config{Targets: targets(t, serveReset(t, &seen)+"/one", b+"/two"), Retries: 1})
	req := request(t, "GET", "/path?q=1", "")
	req.Header.Set("X-OpenID", "true-openid")
	if r := send(g, req); r.err != nil {
		t.Fatal(r.err)
	}
	r := <-got
	if v := r.Header.Values("X-OpenID"); len(v) != 1 || v[0] != "true-openid" {
		t.Errorf("X-OpenID is %q", v)
	}
	if r.RequestURI != "/two/path?q=1" || r.Host != strings.TrimPrefix(b, "http://") {
		t.Errorf("request for %s at %s", r.RequestURI, r.Host)
	}
}

func TestNoRetryAfterTheHeaders(t *testing.T) {
	t.Parallel()
	other, b := serveCounting(t, "b")
	a := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
		http.ReadRequest(r)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
	})
	g, _ := groupWithClock(t, Config{Targets: targets(t, a, b), Retries: 1})
	if r := get(t, g, "/"); !errors.Is(r.err, io.ErrUnexpectedEOF) {
		t.Errorf("a cut response ended with %v", r.err)
	}
	if other.requests.Load() != 0 {
		t.Error("sent again")
	}
}

// RT-02
func TestRetriesAreLimitedByTheBudget(t *testing.T) {
	t.Parallel()
	var seen [2]atomic.Int64
	g, _ := groupWithClock(t, Config{Targets: targets(t, serveReset(t, &seen[0]), serveReset(t, &seen[1])), Retries: 1})
	for range 300 {
		get(t, g, "/")
	}
	if n := seen[0].Load() + seen[1].Load(); n > 300+60+maxRetryBalance/retryCost+1 {
		t.Errorf("%d attempts for 300 requests", n)
	}
}

func TestACanceledRequestIsNotRetried(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{}, 2)
	silent := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
		http.ReadRequest(r)
		arrived <- struct{}{}
		io.Copy(io.Discard, r)
	})
	other, b := serveCounting(t, "b")
	g, _ := groupWithClock(t, Config{Targets: targets(t, silent, b), Retries: 1})
	cause := errors.New("session ended")
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() { <-arrived; cancel(cause) }()
	r := send(g, request(t, "GET", "/", "").WithContext(ctx))
	if !errors.Is(r.err, context.Canceled) || !errors.Is(r.err, cause) {
		t.Errorf("error is %v", r.err)
	}
	if other.requests.Load() != 0 || inFlight(g) != 0 {
		t.Errorf("another target got %d requests, %d in flight", other.requests.Load(), inFlight(g))
	}
}

func TestAnErrorOfTheRequestBodyIsErrRequestBody(t *testing.T) {
	t.Parallel()
	a := serve(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	g, _ := groupWithClock(t, Config{Targets: targets(t, a), Retries: 1})

	r := send(g, withBody(brokenBody{})(request(t, "POST", "/", "")))
	if !errors.Is(r.err, ErrRequestBody) || !errors.Is(r.err, errBroken) {
		t.Errorf("broken body: %v", r.err)
	}

	limited := http.MaxBytesReader(nil, io.NopCloser(strings.NewReader("too long")), 3)
	r = send(g, withBody(limited)(request(t, "POST", "/", "")))
	if tooLarge := new(http.MaxBytesError); !errors.As(r.err, &tooLarge) || tooLarge.Limit != 3 {
		t.Errorf("limited body: %v", r.err)
	}
}

// closings counts how often a body is closed.
type closings struct {
	io.Reader
	n atomic.Int64
}

func (c *closings) Close() error { c.n.Add(1); return nil }

func TestTheRequestBodyIsAlwaysClosed(t *testing.T) {
	t.Parallel()
	_, ok := serveCounting(t, "a")
	var seen atomic.Int64
	for name, urls := range map[string][]string{
		"response": {ok}, "refused": {refusedURL}, "refused, then response": {refusedURL, ok}, "reset": {serveReset(t, &seen)},
	} {
		g, _ := groupWithClock(t, Config{Targets: targets(t, urls...), Retries: 1})
		body := &closings{Reader: strings.NewReader("x")}
		send(g, withBody(body)(request(t, "POST", "/", "")))
		testkit.Eventually(t, name+": body closed", func() bool { return body.n.Load() > 0 })
	}
}

func TestErrorsDontContainTheQuery(t *testing.T) {
	t.Parallel()
	var seen atomic.Int64
	for name, u := range map[string]string{"refused": refusedURL, "reset": serveReset(t, &seen)} {
		g, _ := groupWithClock(t, Config{Targets: targets(t, u)})
		r := get(t, g, "/path?access_token=s3cret")
		if r.err == nil || strings.Contains(r.err.Error(), "s3cret") || !strings.HasPrefix(r.err.Error(), "upstream test: ") {
			t.Errorf("%s: error is %v", name, r.err)
		}
	}
}

// slowBody advances the group's clock by a minute with each Read.
type slowBody struct {
	io.Reader
	clock *testkit.Clock
}

func (b slowBody) Read(p []byte) (int, error) { b.clock.Advance(time.Minute); return b.Reader.Read(p) }

func (slowBody) Close() error { return nil }

func TestASlowUploadDoesntReduceTheTimeForRetries(t *testing.T) {
	t.Parallel()
	b := serve(t, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	g, k := groupWithClock(t, Config{Targets: targets(t, refusedURL, b), Retries: 1, Timeout: 30 * time.Second})
	req := request(t, "POST", "/", "x")
	req.Body = slowBody{strings.NewReader("x"), k}
	if r := send(g, req); r.body != "x" {
		t.Errorf("got %q, %v", r.body, r.err)
	}
}

func TestRetriesStopAtTheTimeout(t *testing.T) {
	t.Parallel()
	other, b := serveCounting(t, "b")
	var g *Group
	k := new(testkit.Clock)
	slow := serveRaw(t, func(c net.Conn, r *bufio.Reader) {
		http.ReadRequest(r)
		k.Advance(time.Minute)
		resetConn(c)
	})
	g = openGroup(t, Config{Targets: targets(t, slow, b), Retries: 1, Timeout: 30 * time.Second}, func(g *Group) { g.now = k.Now })
	if r := get(t, g, "/"); r.err == nil || other.requests.Load() != 0 {
		t.Errorf("retried after the timeout: %v", r.err)
	}
}
