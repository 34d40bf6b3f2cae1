package upstream

import (
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"
)

// carrier takes one attempt of a flight to a peer and back, and notes in the
// flight what became of the connection.
type carrier interface {
	carry(f *flight) (*http.Response, error)
	CloseIdleConnections()
}

// newCarrier gives the carrier for a target's scheme.
func newCarrier(t *target, dials []string, timeout time.Duration, k *keepAlive) carrier {
	if t.URL.Scheme != "http" {
		return viaTransport{newTransport(t, dials, timeout, k)}
	}
	wrap := func(c net.Conn) net.Conn { return &conn{Conn: c, keeping: k, lone: true} }
	return &http1{dial: dialer(dials, min(dialTimeout, timeout), wrap), timeout: timeout}
}

// viaTransport carries by http.Transport: HTTP/2, and HTTP/1.1 over TLS.
type viaTransport struct{ *http.Transport }

func (v viaTransport) carry(f *flight) (*http.Response, error) {
	if f.once {
		hideIdempotencyKey(f.out.Header)
	}
	trace := &httptrace.ClientTrace{
		GetConn:              func(string) { f.sought = true },
		GotConn:              f.gotConn,
		GotFirstResponseByte: func() { f.heard.Store(true) },
	}
	return v.RoundTrip(f.out.WithContext(httptrace.WithClientTrace(f.ctx, trace)))
}

// hideIdempotencyKey gives the header another spelling, the same to HTTP.
// Under its usual one http.Transport takes it as leave to send any request
// twice (see http.Request's isReplayable).
func hideIdempotencyKey(h http.Header) {
	for _, name := range [...]string{"Idempotency-Key", "X-Idempotency-Key"} {
		if v, ok := h[name]; ok {
			delete(h, name)
			h[strings.ToLower(name)] = v
		}
	}
}
