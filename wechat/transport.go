package wechat

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// Neither transport looks at HTTP_PROXY and its kin: where secrets are sent is
// the configuration's to say. Neither unpacks answers: a relayed one must pass as
// it is, and a packed one could outgrow its bounds.

// newNoKeepAliveTransport opens a connection for each request. http.Transport repeats
// an idempotent request by itself when a kept connection turns out dead, but the
// code in a jscode2session GET works once: the repeat would get 40163. On a new
// connection it never repeats. TLS sessions are resumed, which keeps it cheap.
func newNoKeepAliveTransport() *http.Transport {
	t := newTransport()
	t.DisableKeepAlives = true
	t.TLSClientConfig = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ClientSessionCache: tls.NewLRUClientSessionCache(0),
	}
	return t
}

// newPooledTransport keeps connections, for a shorter time than servers do, so
// that a POST, which can't be repeated, rarely meets one that was just closed.
func newPooledTransport(timeout time.Duration) *http.Transport {
	t := newTransport()
	t.MaxIdleConnsPerHost = 64
	t.IdleConnTimeout = 15 * time.Second
	t.ResponseHeaderTimeout = relayTimeoutFactor * timeout
	return t
}

func newTransport() *http.Transport {
	t := &http.Transport{
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		MaxResponseHeaderBytes: 32 << 10,
		DisableCompression:     true,
		Protocols:              new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	return t
}
