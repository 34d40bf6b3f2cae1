package proxy

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Certificate is a certificate that is read again when its files change, so
// that a renewed one needs no restart.
type Certificate struct {
	certFile, keyFile string
	log               *zap.Logger

	mu      sync.Mutex
	current *tls.Certificate
	stamps  [2]time.Time // modification times of the files as read
	looked  time.Time
}

// certificateLook is how often the files are looked at.
const certificateLook = time.Second

// LoadCertificate reads a PEM certificate, with its chain, and its key.
func LoadCertificate(certFile, keyFile string, log *zap.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	stamps, err := c.modified()
	if err != nil {
		return nil, err
	}
	return c, c.read(stamps)
}

// TLSConfig serves the certificate with TLS 1.2 or later; cipher suites and
// curves are Go's.
func TLSConfig(c *Certificate) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: c.get,
		NextProtos:     []string{"h2", "http/1.1"},
	}
}

// get is asked at each handshake. Files that can't be read, or don't fit
// together (yet), leave the old certificate in use.
func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.looked) >= certificateLook {
		c.looked = now
		c.refresh()
	}
	return c.current, nil
}

func (c *Certificate) refresh() {
	stamps, err := c.modified()
	if err == nil && stamps == c.stamps {
		return
	}
	if err == nil {
		err = c.read(stamps)
	}
	if err != nil {
		c.log.Error("the certificate could not be read again, the old one goes on", zap.Error(err))
		return
	}
	c.log.Info("the certificate was read again")
}

func (c *Certificate) modified() (stamps [2]time.Time, err error) {
	for i, file := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(file)
		if err != nil {
			return stamps, err
		}
		stamps[i] = info.ModTime()
	}
	return stamps, nil
}

func (c *Certificate) read(stamps [2]time.Time) error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("%s, %s: %w", c.certFile, c.keyFile, err)
	}
	c.current, c.stamps = &pair, stamps
	return nil
}
