package upstream

import (
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"
)

// roundTripper makes one attempt at an endpoint and notes in a what became of the
// connection.
type roundTripper interface {
	roundTrip(a *attempts) (*http.Response, error)
	CloseIdleConnections()
}

// newRoundTripper gives the one for a target's scheme.
func newRoundTripper(t *target, dials []string, timeout time.Duration, k *closeHistory) roundTripper {
	if t.URL.Scheme != "http" {
		return stdTransport{newTransport(t, dials, timeout, k)}
	}
	wrap := func(c net.Conn) net.Conn {
		return &trackedConn{Conn: c, changed: make(chan struct{}, 1), closes: k, noReadLoop: true}
	}
	return &http1{dial: dialer(dials, min(dialTimeout, timeout), wrap), timeout: timeout, closes: k}
}

// stdTransport uses http.Transport: HTTP/2, and HTTP/1.1 over TLS.
type stdTransport struct{ *http.Transport }

func (v stdTransport) roundTrip(a *attempts) (*http.Response, error) {
	if a.nonIdempotent {
		respellIdempotencyKey(a.out.Header)
	}
	trace := &httptrace.ClientTrace{
		GetConn:              func(string) { a.connRequested = true },
		GotConn:              a.gotConn,
		GotFirstResponseByte: func() { a.responseStarted.Store(true) },
	}
	return v.RoundTrip(a.out.WithContext(httptrace.WithClientTrace(a.ctx, trace)))
}

// respellIdempotencyKey gives the header another case, the same to HTTP. Under
// its usual name http.Transport takes it as permission to send any request twice
// (see http.Request's isReplayable).
func respellIdempotencyKey(h http.Header) {
	for _, name := range [...]string{"Idempotency-Key", "X-Idempotency-Key"} {
		if v, ok := h[name]; ok {
			delete(h, name)
			h[strings.ToLower(name)] = v
		}
	}
}
