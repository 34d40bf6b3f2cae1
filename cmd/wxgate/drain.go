package main

import (
	"context"
	"net"
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

// openListener opens a listener without Multipath TCP, whose sockets take no filter
// (dropHandshakes).
func openListener(address string) (net.Listener, error) {
	var c net.ListenConfig
	c.SetMultipathTCP(false)
	return c.Listen(context.Background(), "tcp", address)
}

// acceptPause is how long connections that were opened before are still accepted.
const acceptPause = 250 * time.Millisecond

// refuseNewConnections sees that nobody waits in the listener's queue when it is
// closed: the kernel resets them, and a load balancer has sent a POST by then, which
// it can't send again. Connections that come now find nobody at all and are
// refused once the listener is closed. A socket that others have too stays as it is; its
// queue is theirs.
func (l *listeners) refuseNewConnections() {
	if l.shared {
		return
	}
	if err := emptyQueue(l.publicLn); err != nil {
		l.p.log.Warn("connections that come while the listener is closed may be reset", zap.Error(err))
	}
}

// emptyQueue returns when all that came before has been accepted.
func emptyQueue(ln net.Listener) error {
	if err := dropHandshakes(ln); err != nil {
		return err
	}
	time.Sleep(acceptPause)
	return nil
}

// drain stops listening, lets what is in flight end within the timeout, and
// answers and closes what is left. The private listener stays to the last, so
// that probes see why.
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
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.config.ShutdownDelay.Std(), p.config.ShutdownTimeout.Std()
}
