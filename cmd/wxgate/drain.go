package main

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// announceShutdown reports not ready for shutdown_delay while the gateway still
// accepts requests: load balancers poll /readyz at intervals. Every response
// closes its connection.
func (l *listeners) announceShutdown() {
	delay, _ := l.p.shutdownTimes()
	l.p.draining.Store(true)
	l.public.DisableKeepAlives()
	l.p.log.Info("shutting down: not ready, still accepting requests", zap.Duration("for", delay))
	time.Sleep(delay)
	l.emptyPublicQueue()
}

// drain closes the public listener, waits up to shutdown_timeout for requests in
// flight, then sends an error for the others and closes their connections. The
// private listener is closed last: until then /readyz and the metrics show that the
// gateway is draining.
func (l *listeners) drain() {
	_, timeout := l.p.shutdownTimes()
	l.p.draining.Store(true)
	l.p.log.Info("draining", zap.Duration("within", timeout))
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := l.public.Shutdown(ctx); err != nil {
		l.p.log.Warn("shutdown_timeout expired: requests in flight got an error or were aborted", zap.Error(err))
		_ = l.public.Close()
	}
	l.p.gateway.Drain(ctx)
	_ = l.private.Close()
	l.p.log.Info("stopped")
}

// shutdownTimes returns shutdown_delay and shutdown_timeout of the current
// configuration.
func (p *process) shutdownTimes() (delay, timeout time.Duration) {
	c := p.currentConfig()
	return c.ShutdownDelay.Std(), c.ShutdownTimeout.Std()
}
