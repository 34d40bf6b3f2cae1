package main

import (
	"crypto/tls"
	"sync/atomic"

	"go.uber.org/zap"

	"wxgate/internal/config"
)

// certificate is a listener's certificate, which is read again when its files
// change, so that a renewed one needs no restart.
type certificate struct {
	files   config.ServerTLS
	log     *zap.Logger
	applied string // fingerprint of the files as they were at the start
	current atomic.Pointer[tls.Certificate]
}

// loadCertificate reads a PEM certificate, with its chain, and its key.
func loadCertificate(files config.ServerTLS, log *zap.Logger) (*certificate, error) {
	c := &certificate{files: files, log: log}
	c.applied = fingerprint(c.paths())
	return c, c.read()
}

// get is asked at each handshake.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}

func (c *certificate) read() error {
	pair, err := tls.LoadX509KeyPair(string(c.files.CertFile), string(c.files.KeyFile))
	if err != nil {
		return err
	}
	c.current.Store(&pair)
	return nil
}

// reload reads the files again. Those that can't be read, or don't fit together
// (yet), leave the certificate as it is.
func (c *certificate) reload() (read string) {
	read = fingerprint(c.paths())
	if err := c.read(); err != nil {
		c.log.Error("the certificate could not be read again, keeping the previous one", zap.Error(err))
		return read
	}
	c.log.Info("the certificate was read again", zap.String("file", string(c.files.CertFile)))
	return read
}

func (c *certificate) paths() []string {
	return []string{string(c.files.CertFile), string(c.files.KeyFile)}
}
