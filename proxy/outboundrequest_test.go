package proxy

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/zap"

	"wxgate/internal/testkit"
	"wxgate/proxy/upstream"
)

// The memory of a request is reused only if it is certain that no other goroutine can
// use it.
func TestOutboundRequestIsReusedOnlyIfItIsNotShared(t *testing.T) {
	t.Parallel()
	backend := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "hello")
	}))
	backend.Config.Protocols = new(http.Protocols)
	backend.Config.Protocols.SetHTTP1(true)
	backend.Config.Protocols.SetUnencryptedHTTP2(true)
	backend.Start()
	t.Cleanup(backend.Close)
	plain := groupFor(t, backend.URL)
	for name, test := range map[string]struct {
		group      *upstream.Group
		body       io.Reader
		interfere  func(*outboundRequest, context.CancelFunc)
		unfinished bool
		unshared   bool
	}{
		"plain":                   {group: plain, unshared: true},
		"a short body":            {group: plain, body: strings.NewReader("short"), unshared: true},
		"a body in chunks":        {group: plain, body: io.MultiReader(strings.NewReader("long"))},
		"HTTP/2":                  {group: groupFor(t, strings.Replace(backend.URL, "http", "h2c", 1))},
		"the client disconnected": {group: plain, interfere: func(_ *outboundRequest, disconnect context.CancelFunc) { disconnect() }},
		"Done was called":         {group: plain, interfere: func(o *outboundRequest, _ context.CancelFunc) { o.ctx.Done() }},
		"AfterFunc was called":    {group: plain, interfere: func(o *outboundRequest, _ context.CancelFunc) { context.AfterFunc(&o.ctx, func() {}) }},
		"it panicked":             {group: plain, unfinished: true},
		"not sent":                {},
	} {
		ctx, disconnect := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", test.body)
		warm(t, plain)
		o := acquireOutboundRequest(&requestState{r: r})
		if test.group != nil {
			o.send(t, test.group, r)
		}
		if test.interfere != nil {
			test.interfere(o, disconnect)
		}
		if unshared := o.release(!test.unfinished); unshared != test.unshared {
			t.Errorf("%s: unshared is %v", name, unshared)
		}
		disconnect()
	}
}

// After a panic a goroutine of the transport may still have the request. An early hint that
// it receives must not be sent to the client that uses the ResponseWriter by then.
func TestNoEarlyHintIsWrittenAfterAPanic(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	o := acquireOutboundRequest(&requestState{w: w, r: httptest.NewRequest(http.MethodGet, "/", nil), requestRecord: requestRecord{config: &compiledConfig{}, route: &Route{}}})
	o.release(false)
	if err := o.funcs.forwardInterim(http.StatusEarlyHints, nil); err != nil || w.Code != http.StatusOK {
		t.Errorf("an interim response of status %d was written, %v", w.Code, err)
	}
}

// warm opens an idle connection. A request that opens a new one shares its context with
// package net.
func warm(t *testing.T, g *upstream.Group) {
	for range 4 {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		o := acquireOutboundRequest(&requestState{r: r})
		o.send(t, g, r)
		o.release(true)
	}
}

func groupFor(t *testing.T, target string) *upstream.Group {
	t.Helper()
	u, err := url.Parse(target)
	testkit.Must(t, err)
	g, err := upstream.New(upstream.Config{Name: "test", Targets: []upstream.Target{{URL: u}}}, upstream.NewMetrics(nil), zap.NewNop())
	testkit.Must(t, err)
	t.Cleanup(g.Close)
	return g
}

// send sends a request and reads the response.
func (o *outboundRequest) send(t *testing.T, g *upstream.Group, r *http.Request) {
	t.Helper()
	out := o.newRequest(&o.ctx)
	o.url.Path = "/"
	out.Method, out.URL, out.ContentLength, out.Body = r.Method, &o.url, r.ContentLength, r.Body
	o.call.Request, o.call.Canceler = out, &o.ctx.canceler
	res, err := g.Do(&o.call)
	testkit.Must(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || string(text) != "hello" {
		t.Errorf("got %q, %v", text, err)
	}
}
