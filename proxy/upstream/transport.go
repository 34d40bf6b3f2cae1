package upstream

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

const (
	dialTimeout = 5 * time.Second
	tlsTimeout  = 5 * time.Second

	// idleTimeout is how long an unused connection is kept. Backends that keep
	// theirs for a shorter time close them first, which is noticed.
	idleTimeout = 30 * time.Second

	maxIdleConns   = 1024      // connections kept per endpoint
	maxHeaderBytes = 256 << 10 // of one response
)

// newTransport makes the transport of one endpoint. It passes bytes as they are:
// no proxy of the environment, no compression of its own, no cookies.
func newTransport(t *target, dialAddrs []string, timeout time.Duration, k *earlyCloseDetector) *http.Transport {
	protocols := new(http.Protocols)
	tlsOverhead := 0
	wrap := func(c net.Conn) net.Conn {
		return &trackedConn{Conn: c, changed: make(chan struct{}, 1), earlyClose: k, tlsOverhead: tlsOverhead}
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
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConnsPerHost:    maxIdleConns,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true,
	}
}

// tlsConfig verifies the target's certificate, always.
func tlsConfig(t Target) (*tls.Config, error) {
	c := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         t.ServerName,
		ClientSessionCache: tls.NewLRUClientSessionCache(64),
	}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_file %s: no certificate in it", t.CAFile)
		}
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("client certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
