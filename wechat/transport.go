package wechat

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// Neither transport uses HTTP_PROXY and the like: only the configuration decides where
// secrets are sent. Neither decompresses responses: relayed ones pass unchanged, and a
// compressed one could exceed maxResponse.

// newNoKeepAliveTransport opens a new connection for each request. http.Transport retries
// an idempotent request by itself when a reused connection was closed, but the code in
// a jscode2session GET works once: the retry would get 40163. On a new connection it
// never retries. TLS session resumption keeps the cost low.
func newNoKeepAliveTransport() *http.Transport {
	t := newTransport()
	t.DisableKeepAlives = true
	t.TLSClientConfig = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ClientSessionCache: tls.NewLRUClientSessionCache(0),
	}
	return t
}

// newPooledTransport reuses connections. Its idle timeout is shorter than that of
// servers, so that a POST, which can't be retried, is rarely sent on a connection that
// the server is closing.
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
