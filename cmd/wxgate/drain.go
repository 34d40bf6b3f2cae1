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

// refuseNewConnections empties the listener's accept queue before it is closed: the
// kernel would reset the connections in it, and a load balancer has sent a POST by then,
// which it can't send again. Handshakes that begin now are dropped, and refused once the
// listener is closed. A socket that systemd keeps open stays as it is: its queue is served
// by the next process.
func (l *listeners) refuseNewConnections() {
	if l.shared {
		return
	}
	if err := drainAcceptQueue(l.publicLn); err != nil {
		l.p.log.Warn("connections that come while the listener is closed may be reset", zap.Error(err))
	}
}

// drainAcceptQueue returns when all connections that were open before have been accepted.
func drainAcceptQueue(ln net.Listener) error {
	if err := dropHandshakes(ln); err != nil {
		return err
	}
	time.Sleep(acceptPause)
	return nil
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
