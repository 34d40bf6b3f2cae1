package rig

import (
	"crypto/tls"
	"net/http"

	"wxgate/internal/testkit"
)

// Certificate is a self-signed certificate for localhost and 127.0.0.1.
type Certificate struct {
	*testkit.Certificate
	File, Key string // paths of the PEM files
}

// NewCertificate makes a certificate and writes it to the run's folder.
func (r *Rig) NewCertificate() (*Certificate, error) {
	made, err := testkit.NewCertificate(testkit.CertificateOptions{})
	if err != nil {
		return nil, err
	}
	c := &Certificate{Certificate: made}
	c.File, c.Key, err = made.Write(r.Dir, "server")
	return c, err
}

// Client returns an HTTP client whose only root is this certificate.
func (c *Certificate) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: c.Pool()}, ForceAttemptHTTP2: true,
	}}
}
