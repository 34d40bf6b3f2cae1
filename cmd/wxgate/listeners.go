package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"go.uber.org/zap"

	"wxgate/internal/config"
	"wxgate/internal/http1"
	"wxgate/proxy"
)

// listeners are the open listeners and their servers.
type listeners struct {
	p         *process
	public    *http1.Server
	publicLn  net.Listener
	shared    bool // systemd keeps the public listener's socket open too
	private   *http.Server
	privateLn net.Listener
}

// listen opens both listeners, or uses inherited ones. h handles the requests of
// the public listener.
func (p *process) listen(h http.Handler, inherited *inheritedListeners) (*listeners, error) {
	l := &listeners{p: p}
	var err error
	if l.public, err = p.publicServer(h); err != nil {
		return nil, err
	}
	if l.private, err = p.privateServer(); err != nil {
		return nil, err
	}
	l.shared = inherited.has(publicListener, string(p.config.Listen)) && inherited.shared[publicListener]
	if l.publicLn, err = inherited.listen(publicListener, string(p.config.Listen)); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if l.privateLn, err = inherited.listen(privateListener, string(p.config.Admin.Listen)); err != nil {
		l.publicLn.Close()
		return nil, fmt.Errorf("admin.listen: %w", err)
	}
	return l, nil
}

func (p *process) publicServer(h http.Handler) (*http1.Server, error) {
	c := p.config
	serverConfig := proxy.ServerConfig{
		Handler: h, MaxHeader: int(c.Limits.MaxHeader), ReadHeaderTimeout: c.Limits.ReadHeaderTimeout.Std(),
		MaxConnections: maxConnections(c.Limits.MaxConnections), DrainPause: drainPause, Log: p.log.Logger,
	}
	var err error
	if serverConfig.TLS, err = p.serverTLS(c.TLS); err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return proxy.NewServer(p.gateway, serverConfig), nil
}

// drainPause is how long idle connections stay open after the public listener is
// closed: a load balancer may have just sent a request on one.
const drainPause = 500 * time.Millisecond

func (p *process) privateServer() (*http.Server, error) {
	certificate, err := p.serverTLS(p.config.Admin.TLS)
	if err != nil {
		return nil, fmt.Errorf("admin.tls: %w", err)
	}
	return &http.Server{
		Handler:           p.admin.Handler(),
		TLSConfig:         certificate,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          zap.NewStdLog(p.log.Named("http")),
	}, nil
}

// serverTLS returns a listener's TLS configuration; nil without a certificate.
func (p *process) serverTLS(files config.ServerTLS) (*tls.Config, error) {
	if files.CertFile == "" {
		return nil, nil
	}
	c, err := loadCertificate(files, p.log.Logger)
	if err != nil {
		return nil, err
	}
	p.certificates = append(p.certificates, c)
	return proxy.TLSConfig(c.get), nil
}

// start serves both listeners in the background. The channel receives the error of
// a server that fails.
func (l *listeners) start() (serveErrors <-chan error) {
	errs := make(chan error, 2)
	l.serve(publicListener, l.publicLn, l.public.Serve, errs)
	l.serve(privateListener, l.privateLn, l.servePrivate, errs)
	return errs
}

// wait blocks until ctx ends, a server fails, or a successor that a signal on
// handover started serves; then it drains.
func (l *listeners) wait(ctx context.Context, serveErrors <-chan error, handover <-chan os.Signal) error {
	for {
		select {
		case <-ctx.Done():
			l.announceShutdown()
			l.drain()
			return nil
		case err := <-serveErrors:
			l.drain()
			return err
		case <-handover:
			if err := l.handOver(ctx); err != nil {
				l.p.log.Error("handing over failed, continuing to serve", zap.Error(err))
				continue
			}
			l.drain() // the successor already accepts connections
			return nil
		}
	}
}

func (l *listeners) serve(name string, ln net.Listener, run func(net.Listener) error, serveErrors chan<- error) {
	l.p.log.Info("listening", zap.String("listener", name), zap.Stringer("address", ln.Addr()))
	go func() {
		if err := run(ln); !errors.Is(err, http.ErrServerClosed) {
			serveErrors <- fmt.Errorf("%s listener: %w", name, err)
		}
	}()
}

func (l *listeners) servePrivate(ln net.Listener) error {
	if l.private.TLSConfig != nil {
		return l.private.ServeTLS(ln, "", "")
	}
	return l.private.Serve(ln)
}
