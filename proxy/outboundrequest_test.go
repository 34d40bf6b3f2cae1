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

// The memory of a request is used again only where it is certain that nobody else
// has any of it.
func TestForwardingIsReusedOnlyWhereItIsAlone(t *testing.T) {
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
		meddle     func(*outboundRequest, context.CancelFunc)
		unfinished bool
		alone      bool
	}{
		"plain":             {group: plain, alone: true},
		"a short body":      {group: plain, body: strings.NewReader("short"), alone: true},
		"a body in chunks":  {group: plain, body: io.MultiReader(strings.NewReader("long"))},
		"HTTP/2":            {group: groupFor(t, strings.Replace(backend.URL, "http", "h2c", 1))},
		"the client left":   {group: plain, meddle: func(_ *outboundRequest, leave context.CancelFunc) { leave() }},
		"somebody waits":    {group: plain, meddle: func(f *outboundRequest, _ context.CancelFunc) { f.ctx.Done() }},
		"a context of it":   {group: plain, meddle: func(f *outboundRequest, _ context.CancelFunc) { context.AfterFunc(&f.ctx, func() {}) }},
		"it panicked":       {group: plain, unfinished: true},
		"nothing was asked": {},
	} {
		ctx, leave := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", test.body)
		warm(t, plain)
		f := acquireOutboundRequest(&requestContext{r: r})
		if test.group != nil {
			f.ask(t, test.group, r)
		}
		if test.meddle != nil {
			test.meddle(f, leave)
		}
		if alone := f.release(!test.unfinished); alone != test.alone {
			t.Errorf("%s: alone is %v", name, alone)
		}
		leave()
	}
}

// A panic can leave a transport's goroutine with the request. What it is told then
// must not go to the client that the ResponseWriter serves by that time.
func TestNoEarlyHintPassesAfterAPanic(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	f := acquireOutboundRequest(&requestContext{w: w, r: httptest.NewRequest(http.MethodGet, "/", nil), requestRecord: requestRecord{config: &compiledConfig{}, route: &Route{}}})
	f.release(false)
	if err := f.funcs.interim(http.StatusEarlyHints, nil); err != nil || w.Code != http.StatusOK {
		t.Errorf("an interim response of status %d was written, %v", w.Code, err)
	}
}

// warm leaves an idle connection that any request may use: to make a new one,
// package net is given the context.
func warm(t *testing.T, g *upstream.Group) {
	for range 4 {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		f := acquireOutboundRequest(&requestContext{r: r})
		f.ask(t, g, r)
		f.release(true)
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

// ask forwards a request and reads the response to its end.
func (f *outboundRequest) ask(t *testing.T, g *upstream.Group, r *http.Request) {
	t.Helper()
	out := f.newRequest(&f.ctx)
	f.url.Path = "/"
	out.Method, out.URL, out.ContentLength, out.Body = r.Method, &f.url, r.ContentLength, r.Body
	f.call.Request, f.call.Canceler = out, &f.ctx.canceler
	res, err := g.Do(&f.call)
	testkit.Must(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || string(text) != "hello" {
		t.Errorf("got %q, %v", text, err)
	}
}
