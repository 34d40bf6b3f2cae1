package upstream

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"time"

	"wxgate/internal/fieldlist"
)

// roundTripper makes one attempt at an endpoint and notes in a what became of the
// connection.
type roundTripper interface {
	roundTrip(a *attempts) (*Response, error)
	CloseIdleConnections()
}

// newRoundTripper gives the one for a target's scheme.
func newRoundTripper(t *target, dialAddrs []string, timeout time.Duration, k *earlyCloseDetector) roundTripper {
	if t.URL.Scheme != "http" {
		return stdTransport{newTransport(t, dialAddrs, timeout, k)}
	}
	plain := func(c net.Conn) net.Conn { return c }
	return &http1Transport{dial: dialer(dialAddrs, min(dialTimeout, timeout), plain), timeout: timeout, earlyClose: k}
}

// stdTransport uses http.Transport: HTTP/2, and HTTP/1.1 over TLS.
type stdTransport struct{ *http.Transport }

func (v stdTransport) roundTrip(a *attempts) (*Response, error) {
	a.usedNetHTTP = true
	ctx := a.ctx
	switch {
	case a.shortBody != nil:
		a.out.Body = io.NopCloser(bytes.NewReader(a.shortBody))
	case a.body != nil:
		a.stall.stop()
		ctx, a.stall = startStallWatch(ctx, a.body, a.group.config.Timeout)
	}
	out := a.out.WithContext(httptrace.WithClientTrace(ctx, a.trace()))
	out.Header = a.headerForNetHTTP()
	res, err := v.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	a.response.setFromNetHTTP(res)
	return &a.response, nil
}

// headerForNetHTTP is made anew for each attempt: goroutines of an earlier one
// may still read theirs.
func (a *attempts) headerForNetHTTP() http.Header {
	h := a.header.Header()
	if _, sent := h["User-Agent"]; !sent {
		h["User-Agent"] = nil // else net/http adds its own
	}
	if a.nonIdempotent {
		lowercaseIdempotencyKey(h)
	}
	return h
}

// trace notes what becomes of the attempt.
func (a *attempts) trace() *httptrace.ClientTrace {
	t := &httptrace.ClientTrace{
		GetConn:              func(string) { a.connRequested = true },
		GotConn:              a.gotConn,
		GotFirstResponseByte: func() { a.responseStarted.Store(true) },
	}
	if outer := httptrace.ContextClientTrace(a.ctx); a.interim != nil && (outer == nil || outer.Got1xxResponse == nil) {
		t.Got1xxResponse = func(status int, h textproto.MIMEHeader) error {
			return a.interim(status, fieldlist.FromHeader(http.Header(h)))
		}
	}
	return t
}

// lowercaseIdempotencyKey gives the header another case, the same to HTTP. Under
// its usual name http.Transport takes it as permission to send any request twice
// (see http.Request's isReplayable).
func lowercaseIdempotencyKey(h http.Header) {
	for _, name := range [...]string{"Idempotency-Key", "X-Idempotency-Key"} {
		if v, ok := h[name]; ok {
			delete(h, name)
			h[strings.ToLower(name)] = v
		}
	}
}
