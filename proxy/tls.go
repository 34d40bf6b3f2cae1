package proxy

import "crypto/tls"

// TLSConfig serves the certificate that get gives at each handshake with TLS 1.2
// or later; cipher suites and curves are Go's.
func TLSConfig(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: get,
		NextProtos:     []string{"h2", "http/1.1"},
	}
}
