package testkit

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// CertificateOptions describes a certificate. The zero value is a self-signed
// server certificate for localhost and 127.0.0.1. It is also a CA certificate, so
// that a client can use it as its only root.
type CertificateOptions struct {
	// Hosts are DNS names and IP addresses. Empty: localhost and 127.0.0.1.
	Hosts []string
	// Signer is the issuing CA. nil: the certificate is self-signed.
	Signer *Certificate
	// NotAfter is the expiry time. Zero: in 24 hours.
	NotAfter time.Time
	// Change edits the template before it is signed. nil: no edit.
	Change func(*x509.Certificate)
}

// Certificate is a certificate with its private key.
type Certificate struct {
	*x509.Certificate
	Key *ecdsa.PrivateKey
}

// NewCertificate generates a P-256 key and a certificate for it.
func NewCertificate(o CertificateOptions) (*Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := o.template()
	parent, signer := template, key
	if o.Signer != nil {
		parent, signer = o.Signer.Certificate, o.Signer.Key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	return &Certificate{Certificate: parsed, Key: key}, err
}

// MustCertificate is NewCertificate for tests.
func MustCertificate(t testing.TB, o CertificateOptions) *Certificate {
	t.Helper()
	c, err := NewCertificate(o)
	Must(t, err)
	return c
}

func (o CertificateOptions) template() *x509.Certificate {
	if len(o.Hosts) == 0 {
		o.Hosts = []string{"localhost", "127.0.0.1"}
	}
	if o.NotAfter.IsZero() {
		o.NotAfter = time.Now().Add(24 * time.Hour)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: o.Hosts[0]},
		NotBefore: o.NotAfter.Add(-48 * time.Hour), NotAfter: o.NotAfter,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		KeyUsage:    x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	if o.Signer == nil {
		c.IsCA, c.KeyUsage = true, c.KeyUsage|x509.KeyUsageCertSign
	}
	for _, host := range o.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, host)
		}
	}
	if o.Change != nil {
		o.Change(c)
	}
	return c
}

// TLS returns the certificate and the key for tls.Config.Certificates.
func (c *Certificate) TLS() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: c.Key}
}

// Pool returns a pool whose only root is this certificate.
func (c *Certificate) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c.Certificate)
	return pool
}

// PEM returns the certificate and the key (PKCS #8) in PEM.
func (c *Certificate) PEM() (cert, key []byte, err error) {
	der, err := x509.MarshalPKCS8PrivateKey(c.Key)
	if err != nil {
		return nil, nil, err
	}
	cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	return cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Write writes name.crt and name.key to dir and returns their paths. Each file
// appears by a rename, so that a program that watches it never reads half a file.
func (c *Certificate) Write(dir, name string) (certFile, keyFile string, err error) {
	cert, key, err := c.PEM()
	if err != nil {
		return "", "", err
	}
	certFile, keyFile = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	if err := replaceFile(certFile, cert); err != nil {
		return "", "", err
	}
	return certFile, keyFile, replaceFile(keyFile, key)
}

// MustWrite is Write for tests.
func (c *Certificate) MustWrite(t testing.TB, dir, name string) (certFile, keyFile string) {
	t.Helper()
	certFile, keyFile, err := c.Write(dir, name)
	Must(t, err)
	return certFile, keyFile
}

func replaceFile(name string, content []byte) error {
	if err := os.WriteFile(name+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}
