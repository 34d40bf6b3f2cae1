package main

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// announceStop says that the gateway is about to stop while it still takes
// requests: load balancers look at /readyz from time to time only. Each answer
// ends its connection.
func (l *listeners) announceStop() {
	delay, _ := l.p.shutdownTimes()
	l.p.draining.Store(true)
	l.public.DisableKeepAlives()
	l.p.log.Info("stopping: unready, still taking requests", zap.Duration("for", delay))
	time.Sleep(delay)
	l.refuseNewConnections()
}

// drain stops listening, lets requests in flight end within the timeout, and answers
// and closes the rest. The private listener is closed last: until then /readyz and the
// metrics show that the gateway is draining.
func (l *listeners) drain() {
	_, timeout := l.p.shutdownTimes()
	l.p.draining.Store(true)
	l.p.log.Info("draining", zap.Duration("within", timeout))
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := l.public.Shutdown(ctx); err != nil {
		l.p.log.Warn("shutdown_timeout ran out: requests in flight were answered with an error or cut off", zap.Error(err))
		_ = l.public.Close()
	}
	l.p.gateway.Drain(ctx)
	_ = l.private.Close()
	l.p.log.Info("stopped")
}

// shutdownTimes are the ones in force now.
func (p *process) shutdownTimes() (delay, timeout time.Duration) {
	c := p.inForce()
	return c.ShutdownDelay.Std(), c.ShutdownTimeout.Std()
}
