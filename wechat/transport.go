package wechat

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Neither transport uses HTTP_PROXY and the like: only the configuration decides where
// secrets are sent. Neither decompresses responses: relayed ones are forwarded unchanged,
// and a decompressed one could exceed maxResponse.

// newSingleUseTransport is for requests that must not be sent twice (see singleUseBody).
// Connections are reused for a short time only: a request that is sent while the server
// closes its connection fails, and Node.js and Apache close idle ones after 5 s.
func newSingleUseTransport() *http.Transport {
	t := newTransport()
	t.MaxIdleConnsPerHost = 64
	t.IdleConnTimeout = 3 * time.Second
	t.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	return t
}

// singleUseBody returns an empty request body for a GET that must not be sent twice.
//
// http.Transport sends a GET again by itself when a reused connection was closed, but the
// code of a jscode2session works once: the second request would get 40163. It does not
// do so for a request whose body it can't obtain again (Request.GetBody). Nothing is sent
// for an empty body.
func singleUseBody() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

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
