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

const (
	tlsTimeout            = 5 * time.Second
	expectContinueTimeout = time.Second
)

// netHTTPTransport sends requests through http.Transport: HTTP/2, and HTTP/1.1 over TLS.
type netHTTPTransport struct{ *http.Transport }

// newTransport makes the http.Transport of one endpoint. It adds nothing to requests: no
// proxy of the environment, no compression, no cookies.
func newTransport(t *target, dialAddrs []string, timeout time.Duration, earlyClose *earlyCloseDetector) *http.Transport {
	protocols := new(http.Protocols)
	tlsOverhead := 0
	wrap := func(c net.Conn) net.Conn {
		return &trackedConn{Conn: c, changed: make(chan struct{}, 1), earlyClose: earlyClose, tlsOverhead: tlsOverhead}
	}
	switch t.URL.Scheme {
	case "h2c":
		protocols.SetUnencryptedHTTP2(true)
		wrap = func(c net.Conn) net.Conn { return c }
	case "https":
		tlsOverhead = tlsAlertSize
		protocols.SetHTTP2(true)
		fallthrough
	default:
		protocols.SetHTTP1(true)
	}
	return &http.Transport{
		Protocols:              protocols,
		DialContext:            dialer(dialAddrs, min(dialTimeout, timeout), wrap),
		TLSClientConfig:        t.tls.Clone(),
		TLSHandshakeTimeout:    min(tlsTimeout, timeout),
		ResponseHeaderTimeout:  timeout,
		ExpectContinueTimeout:  expectContinueTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConnsPerHost:    maxIdleConns,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true,
	}
}

func (t netHTTPTransport) roundTrip(cs *callState) (*Response, error) {
	cs.usedNetHTTP = true
	ctx := cs.ctx
	switch {
	case cs.shortBody != nil:
		cs.out.Body = io.NopCloser(bytes.NewReader(cs.shortBody))
	case cs.body != nil:
		cs.stall.stop()
		ctx, cs.stall = startStallWatch(ctx, cs.body, cs.group.config.Timeout)
	}
	out := cs.out.WithContext(httptrace.WithClientTrace(ctx, cs.trace()))
	out.Header = cs.headerForNetHTTP()
	res, err := t.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	cs.response.setFromNetHTTP(res)
	return &cs.response, nil
}

// headerForNetHTTP returns a header for one attempt: goroutines of an earlier attempt
// may still read theirs.
func (cs *callState) headerForNetHTTP() http.Header {
	h := cs.header.Header()
	if _, present := h["User-Agent"]; !present {
		h["User-Agent"] = nil // else net/http adds its own
	}
	if cs.nonIdempotent {
		lowercaseIdempotencyKey(h)
	}
	return h
}

// lowercaseIdempotencyKey changes the case of the header's name, which means nothing in
// HTTP. With the usual case http.Transport may send any request twice (see
// http.Request.isReplayable).
func lowercaseIdempotencyKey(h http.Header) {
	for _, name := range [...]string{"Idempotency-Key", "X-Idempotency-Key"} {
		if v, ok := h[name]; ok {
			delete(h, name)
			h[strings.ToLower(name)] = v
		}
	}
}

// trace records the state of the attempt's connection.
func (cs *callState) trace() *httptrace.ClientTrace {
	t := &httptrace.ClientTrace{
		GetConn:              func(string) { cs.attemptConn = attemptConn{connRequested: true} }, // also before http.Transport's own retries
		GotConn:              cs.gotConn,
		GotFirstResponseByte: func() { cs.responseStarted.Store(true) },
	}
	if cs.interim != nil {
		t.Got1xxResponse = func(status int, h textproto.MIMEHeader) error {
			return cs.interim(status, fieldlist.FromHeader(http.Header(h)))
		}
	}
	return t
}
