package main

import (
	"crypto/tls"
	"sync/atomic"

	"go.uber.org/zap"

	"wxgate/internal/config"
)

// certificate is a listener's TLS certificate. It is reloaded when its files
// change, so that a renewed certificate needs no restart.
type certificate struct {
	files   config.ServerTLS
	log     *zap.Logger
	loaded  string // fingerprint of the files before the first load
	current atomic.Pointer[tls.Certificate]
}

// loadCertificate loads a PEM certificate with its chain, and its private key.
func loadCertificate(files config.ServerTLS, log *zap.Logger) (*certificate, error) {
	c := &certificate{files: files, log: log}
	c.loaded = fingerprint(c.paths())
	return c, c.load()
}

// get is the tls.Config's GetCertificate, called for each handshake.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}

func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(string(c.files.CertFile), string(c.files.KeyFile))
	if err != nil {
		return err
	}
	c.current.Store(&pair)
	return nil
}

// reload loads the files again and returns the fingerprint of what it loaded. If
// they can't be loaded, or certificate and key don't match because only one has
// been replaced so far, the previous certificate stays in use.
func (c *certificate) reload() (loaded string) {
	loaded = fingerprint(c.paths())
	if err := c.load(); err != nil {
		c.log.Error("the certificate could not be reloaded, keeping the previous one", zap.Error(err))
		return loaded
	}
	c.log.Info("the certificate was reloaded", zap.String("file", string(c.files.CertFile)))
	return loaded
}

func (c *certificate) paths() []string {
	return []string{string(c.files.CertFile), string(c.files.KeyFile)}
}
