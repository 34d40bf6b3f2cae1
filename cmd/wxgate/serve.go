package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"

	"wxgate/proxy"
)

// serveCommand runs the gateway until ctx ends, then drains.
type serveCommand struct {
	configFlag
}

func (c *serveCommand) Run(ctx context.Context, t *terminal) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	read := fingerprint(cfg.Files)
	t.warn(cfg.Warnings)
	log := newLogger(t.out, cfg.Log)
	defer log.close()
	p, err := assemble(cfg, log)
	if err != nil {
		return err
	}
	defer p.close()
	listeners, err := p.listen(p.gateway)
	if err != nil {
		return err
	}
	reloading, stop := context.WithCancel(ctx)
	defer stop()
	go p.reloadLoop(reloading, c.Config, read)
	return listeners.serve(ctx)
}

// listeners are the open listeners and who serves them.
type listeners struct {
	p       *process
	servers []*boundServer
}

// boundServer is a server with its listener.
type boundServer struct {
	name   string
	server server
	ln     net.Listener
}

// server is what http1.Server and http.Server have in common.
type server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
	Close() error
}

// listen opens both listeners. The public one is served by h.
func (p *process) listen(h http.Handler) (*listeners, error) {
	public, err := p.publicServer(h)
	if err != nil {
		return nil, err
	}
	private, err := p.privateServer()
	if err != nil {
		public.ln.Close()
		return nil, err
	}
	return &listeners{p, []*boundServer{public, private}}, nil
}

func (p *process) publicServer(h http.Handler) (*boundServer, error) {
	c := p.config
	ln, err := net.Listen("tcp", string(c.Listen))
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	options := proxy.ServerConfig{
		Handler: h, MaxHeader: int(c.Limits.MaxHeader), ReadHeaderTimeout: c.Limits.ReadHeaderTimeout.Std(),
		MaxConnections: maxConnections(c.Limits.MaxConnections), DrainPause: drainPause, Log: p.log.Logger,
	}
	if c.TLS.CertFile != "" {
		certificate, err := proxy.LoadCertificate(string(c.TLS.CertFile), string(c.TLS.KeyFile), p.log.Logger)
		if err != nil {
			ln.Close()
			return nil, fmt.Errorf("tls: %w", err)
		}
		options.TLS = proxy.TLSConfig(certificate)
	}
	return &boundServer{"public", proxy.NewServer(p.gateway, options), ln}, nil
}

// drainPause is how long idle connections stay open once the public listener
// is closed: some round trips of a load balancer that has just sent a request.
const drainPause = 500 * time.Millisecond

func (p *process) privateServer() (*boundServer, error) {
	ln, err := net.Listen("tcp", string(p.config.Admin.Listen))
	if err != nil {
		return nil, fmt.Errorf("admin.listen: %w", err)
	}
	return &boundServer{"private", &http.Server{
		Handler:           p.admin.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          zap.NewStdLog(p.log.Named("http")),
	}, ln}, nil
}

// serve serves until ctx ends, or one of the servers fails, and drains.
func (l *listeners) serve(ctx context.Context) error {
	failed := make(chan error, len(l.servers))
	for _, s := range l.servers {
		l.p.log.Info("listening", zap.String("listener", s.name), zap.Stringer("address", s.ln.Addr()))
		go func() {
			if err := s.server.Serve(s.ln); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("%s listener: %w", s.name, err)
			}
		}()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	l.drain()
	return err
}

// drain tells that no more is taken, stops listening, lets what is in flight
// end within the timeout, and cuts the rest. The private listener stays to the
// last, so that probes see why.
func (l *listeners) drain() {
	timeout := l.p.shutdownTimeout()
	l.p.log.Info("draining", zap.Duration("within", timeout))
	l.p.draining.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	public, private := l.servers[0].server, l.servers[1].server
	if err := public.Shutdown(ctx); err != nil {
		l.p.log.Warn("some requests were cut off", zap.Error(err))
		_ = public.Close()
	}
	l.p.gateway.Drain(ctx)
	_ = private.Close()
	l.p.log.Info("stopped")
}
