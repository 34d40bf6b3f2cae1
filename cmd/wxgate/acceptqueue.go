package main

import (
	"context"
	"net"
	"time"

	"go.uber.org/zap"
)

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
