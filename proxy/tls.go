package proxy

import "crypto/tls"

// TLSConfig returns the TLS configuration of the public listener: TLS 1.2 or later, Go's
// cipher suites and curves. It calls get at each handshake for the certificate.
func TLSConfig(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: get,
		NextProtos:     []string{"h2", "http/1.1"},
	}
}
